program host
  !! A sea-ice model that starts the members of an ensemble from generated states: how to couple a
  !! model. All that concerns the coupler is in this file, in the order of the calls.
  use mpi
  use esm_coupler, only: coupler_t, ESM_OK
  use host_domain, only: wp, halo, rank, nx_global, ny_global, mask, n_blocks, nx_block, ny_block, &
    i_first, j_first, nx, ny, set_up, local, read_fields, fail
  use host_output, only: create, report_state, report_budget, finish
  use host_physics, only: names, state, begin, advance
  implicit none

  type(coupler_t) :: coupler
  character(len=256) :: namelist_file, grid_file = 'grid.nc', output_file = 'ensemble.nc'
  character(len=256) :: analysis_file = ''   ! what the arrays hold before a member is made
  integer :: first_member = 1, members = 4, date = 19900301, n_days = 15
  integer :: block_nx = 24, block_ny = 24
  real(wp) :: fallbacks, dt = 21600   ! [s]
  logical :: growth = .true.
  namelist /host_nml/ grid_file, output_file, first_member, members, date, n_days, &
    block_nx, block_ny, dt, growth, analysis_file
  integer :: status, ierr, k, step, today

  call MPI_Init(ierr)
  call read_settings()
  call set_up(trim(grid_file), block_nx, block_ny)

  ! 1. Start, on all ranks of a communicator, after MPI_Init. No call of the coupler ever stops the
  !    program: look at each status.
  call coupler%start(MPI_COMM_WORLD, trim(namelist_file), status)
  call check('start')

  ! 2. The blocks of this rank (perhaps none): first interior cell and interior size of each,
  !    counted from 1, and the width of the halo around them in the arrays.
  call coupler%set_domain(nx_global, ny_global, i_first, j_first, nx, ny, halo, status)
  call check('set_domain')

  ! 3. The host's own ocean, in the shape of the fields. Left out, the checkpoint's mask holds.
  call coupler%set_mask(local(mask) > 0, status)
  call check('set_mask')

  ! 4. The arrays, once: generate and step read and write them where they are, so the host's array
  !    has the target attribute and stays allocated, in its place, until stop.
  allocate (state(nx_block, ny_block, n_blocks, size(names)), source=0.0_wp)
  do k = 1, size(names)
    call coupler%bind(names(k), state(:, :, :, k), status)
    call check('bind')
  end do

  if (rank == 0) call create(trim(output_file), first_member, members, date, n_days)
  do k = 1, members

    ! 5. A new state: all interior cells are written, zero on land. The halo is the host's own, so
    !    its update comes next (in begin). With mode = 'perturb' it is one around the state that is
    !    in the arrays before.
    if (analysis_file /= '') call read_fields(trim(analysis_file), names, state)
    call coupler%generate(first_member + k - 1, date, status)
    call check('generate')
    call begin()
    call report('generate', date, '_start')

    today = date
    do step = 1, nint(n_days*86400/dt)
      today = date_after(date, nint(step*dt)/86400)
      call advance(step*dt/86400, mod(today/100, 100) - 1 + mod(today, 100)/31.0_wp, dt, growth)
    end do
    call report_budget()

    ! 6. The bound arrays in, the bound arrays out. An emulator takes them dt forward; with
    !    step_mode = 'project' whatever the host let go out of bounds is put right, and counted.
    call coupler%step(today, dt, status)
    call check('step')
    call report('step', today, '')
  end do
  call coupler%diagnostic('fallbacks', fallbacks, status)   ! states that on_failure replaced
  call check('diagnostic')
  if (rank == 0) call finish(trim(output_file), nint(fallbacks))

  ! 7. Stop. The arrays are forgotten; from here on they may be deallocated.
  call coupler%stop(status)
  call check('stop')
  call MPI_Finalize(ierr)

contains

  subroutine check(call_name)
    !! A failed call fails on all ranks alike, so none is left waiting. A note is no failure.
    character(len=*), intent(in) :: call_name
    if (rank == 0 .and. len(coupler%message()) > 0) &
      print '(4a)', 'coupler%', call_name, ': ', coupler%message()
    if (status == ESM_OK) return
    call MPI_Finalize(ierr)
    stop 1
  end subroutine check

  subroutine report(call_name, day, suffix)
    character(len=*), intent(in) :: call_name, suffix
    integer, intent(in) :: day
    real(wp) :: out_of_bounds, seconds
    call coupler%diagnostic('cells_out_of_bounds', out_of_bounds, status)   ! before projection
    call check('diagnostic')
    call coupler%diagnostic('seconds', seconds, status)
    call check('diagnostic')
    call report_state(call_name, first_member + k - 1, day, out_of_bounds, seconds, suffix, k)
  end subroutine report

  subroutine read_settings()
    integer :: unit
    character(len=256) :: text
    call get_command_argument(1, namelist_file)
    open (newunit=unit, file=namelist_file, action='read', status='old', iostat=status, iomsg=text)
    if (status == 0) read (unit, nml=host_nml, iostat=status, iomsg=text)
    if (status /= 0) call fail('&host_nml of '//trim(namelist_file)//': '//trim(text))
    if (min(members, n_days, block_nx, block_ny) < 1 .or. .not. dt > 0) &
      call fail('&host_nml: members, n_days, block_nx, block_ny and dt must be positive')
  end subroutine read_settings

  pure integer function date_after(date, days) result(later)
    !! Both as yyyymmdd, Gregorian.
    integer, intent(in) :: date, days
    integer :: n, year, month, length
    later = date
    do n = 1, days
      year = later/10000
      month = mod(later/100, 100)
      length = 30 + mod(month + month/8, 2)
      if (month == 2) length = merge(29, 28, mod(year, 4) == 0 .and. &
                                     (mod(year, 100) /= 0 .or. mod(year, 400) == 0))
      later = later + 1
      if (mod(later - 1, 100) == length) later = later - length + 100
      if (later > 10000*year + 1231) later = 10000*(year + 1) + 101
    end do
  end function date_after

end program host
