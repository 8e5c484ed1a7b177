program host
  !! A sea-ice model that starts the members of an ensemble from generated states: how to couple a
  !! model. All that concerns the coupler is in this file, in the order of the calls.
  use mpi
  use esm_coupler, only: coupler_t, ESM_OK
  use host_calendar, only: date_after, day_of_year
  use host_domain, only: domain_t, halo
  use host_grid, only: wp, grid_t, read_grid, fail
  use host_output, only: create, put, finish
  use host_physics, only: ice_t, names, begin, advance
  use host_report, only: print_head, print_call, print_budget
  implicit none

  type(coupler_t) :: coupler
  type(ice_t), target :: ice   ! target, and allocated until stop: the coupler keeps its address
  type(grid_t) :: grid
  type(domain_t) :: domain
  character(len=256) :: namelist_file, grid_file = 'grid.nc', output_file = 'ensemble.nc'
  integer :: first_member = 1, members = 4, date = 19900301, n_days = 15
  integer :: block_nx = 24, block_ny = 24
  real(wp) :: fallbacks, dt = 21600   ! [s]
  logical :: growth = .true.
  namelist /host_nml/ grid_file, output_file, first_member, members, date, n_days, &
    block_nx, block_ny, dt, growth
  integer :: status, ierr, f, file, member, step, today

  call MPI_Init(ierr)
  call read_settings()
  grid = read_grid(trim(grid_file))
  call domain%setup(grid, block_nx, block_ny, MPI_COMM_WORLD)

  ! 1. Start, on all ranks of a communicator, after MPI_Init. No call of the coupler ever stops the
  !    program: look at each status.
  call coupler%start(domain%comm, trim(namelist_file), status)
  call check('start')

  ! 2. The blocks of this rank (perhaps none): first interior cell and interior size of each,
  !    counted from 1, and the width of the halo around them in the arrays.
  call coupler%set_domain(grid%nx, grid%ny, domain%i_first, domain%j_first, domain%nx, domain%ny, &
                          halo, status)
  call check('set_domain')

  ! 3. The host's own ocean, in the shape of the fields. Left out, the checkpoint's mask holds.
  call coupler%set_mask(domain%local(merge(1.0_wp, 0.0_wp, grid%ocean)) > 0.5_wp, status)
  call check('set_mask')

  ! 4. The arrays, once: generate and step read and write them where they are.
  allocate (ice%state(domain%nx_block, domain%ny_block, domain%n_blocks, size(names)))
  ice%state = 0
  do f = 1, size(names)
    call coupler%bind(names(f), ice%state(:, :, :, f), status)
    call check('bind')
  end do

  if (domain%rank == 0) then
    call create(file, trim(output_file), grid, [(first_member + f, f=0, members - 1)], date, n_days)
    call print_head()
  end if
  do member = first_member, first_member + members - 1

    ! 5. A new state: all interior cells are written, zero on land. The halo is the host's own, so
    !    its update comes next (in begin).
    call coupler%generate(member, date, status)
    call check('generate')
    call report('generate', date, '_start')
    call begin(ice, grid, domain)

    today = date
    do step = 1, nint(n_days*86400/dt)
      call advance(ice, grid, domain, (step - 1)*dt/86400, real(day_of_year(today), wp), dt, growth)
      today = date_after(date, nint(step*dt)/86400)
    end do

    ! 6. The bound arrays in, the bound arrays out. An emulator takes them dt forward; with
    !    step_mode = 'project' whatever the host let go out of bounds is put right, and counted.
    call print_budget(ice, grid, domain)
    call coupler%step(today, dt, status)
    call check('step')
    call report('step', today, '')
  end do
  call coupler%diagnostic('fallbacks', fallbacks, status)   ! states that on_failure replaced
  call check('diagnostic')
  if (domain%rank == 0) call finish(file, trim(output_file), nint(fallbacks))

  ! 7. Stop. The arrays are forgotten; from here on they may be deallocated.
  call coupler%stop(status)
  call check('stop')
  call MPI_Finalize(ierr)

contains

  subroutine check(call_name)
    !! A failed call fails on all ranks alike, so none is left waiting. A note is no failure.
    character(len=*), intent(in) :: call_name
    character(len=:), allocatable :: message
    message = coupler%message()
    if (domain%rank == 0 .and. len(message) > 0) print '(4a)', 'coupler%', call_name, ': ', message
    if (status == ESM_OK) return
    call MPI_Finalize(ierr)
    stop 1
  end subroutine check

  subroutine report(call_name, day, suffix)
    character(len=*), intent(in) :: call_name, suffix
    integer, intent(in) :: day
    real(wp) :: out_of_bounds, seconds, global_field(grid%nx*grid%ny)
    integer :: n
    call coupler%diagnostic('cells_out_of_bounds', out_of_bounds, status)   ! before projection
    call check('diagnostic')
    call coupler%diagnostic('seconds', seconds, status)
    call check('diagnostic')
    call print_call(call_name, member, day, ice, grid, domain, out_of_bounds, seconds)
    do n = 1, size(names)
      global_field = domain%gather(ice%state(:, :, :, n))
      if (domain%rank == 0) call put(file, names(n)//suffix, global_field, [grid%nx, grid%ny], &
                                     member - first_member + 1)
    end do
  end subroutine report

  subroutine read_settings()
    integer :: unit
    character(len=256) :: text
    call get_command_argument(1, namelist_file)
    open (newunit=unit, file=namelist_file, action='read', status='old', iostat=status, iomsg=text)
    if (status == 0) read (unit, nml=host_nml, iostat=status, iomsg=text)
    if (status /= 0) call fail('&host_nml of '//trim(namelist_file)//': '//trim(text))
    close (unit)
    if (min(members, n_days, block_nx, block_ny) < 1 .or. .not. dt > 0) &
      call fail('&host_nml: members, n_days, block_nx, block_ny and dt must be positive')
  end subroutine read_settings

end program host
