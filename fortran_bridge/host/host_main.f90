program host
  !! A sea-ice model that starts the members of an ensemble from generated states, and may leave its
  !! steps to an emulator, or have one correct them: how to couple a model. All that concerns the
  !! coupler is in this file, in the order of the calls.
  use mpi
  use esm_coupler, only: coupler_t, ESM_OK
  use host_domain, only: wp, halo, rank, nx_global, ny_global, mask, n_blocks, nx_block, ny_block, &
    i_first, j_first, nx, ny, set_up, local, read_fields, update_halo, date_after, fail
  use host_output, only: output_file, create, report, report_budget, finish
  use host_physics, only: names, state, begin, advance
  implicit none

  type(coupler_t) :: coupler
  character(len=256) :: namelist_file, grid_file = 'grid.nc', restart_in = '', restart_out = ''
  character(len=256) :: analysis_file = '', forcing_file = ''   ! to perturb; for an emulator
  character(len=9) :: mode = 'physics'   ! or 'emulator', or 'corrected': physics, by an emulator
  integer :: first_member = 1, members = 4, date = 19900301, n_days = 15
  integer :: block_nx = 24, block_ny = 24, correct_every = 24   ! cells, cells, hours
  real(wp) :: dt = 21600, correction_weight = 0.5_wp   ! [s]; of the emulator's state
  logical :: growth = .true.
  namelist /host_nml/ grid_file, output_file, first_member, members, date, n_days, block_nx, &
    block_ny, dt, growth, analysis_file, mode, forcing_file, correct_every, correction_weight, &
    restart_in, restart_out
  character(len=3), parameter :: forcing_names(3) = ['tas', 'uas', 'vas']   ! [K, m s-1, m s-1]
  real(wp), allocatable, target, dimension(:, :, :, :) :: forcing, kept, physics
  !! as in forcing_names; the state from which an emulator steps; what physics made of it
  integer :: status, ierr, f, member, step, today, kept_day, period   ! period of the emulator [s]

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
  !    has the target attribute and stays allocated, in its place, until stop. An emulator also
  !    reads forcing, and never writes it.
  allocate (state(nx_block, ny_block, n_blocks, size(names)), source=0.0_wp)
  allocate (forcing(nx_block, ny_block, n_blocks, size(forcing_names)), source=0.0_wp)
  do f = 1, size(names)
    call coupler%bind(names(f), state(:, :, :, f), status)
    call check('bind')
  end do
  do f = 1, merge(0, size(forcing_names), mode == 'physics')
    call coupler%bind(forcing_names(f), forcing(:, :, :, f), status)
    call check('bind')
  end do

  if (rank == 0) call create(first_member, members, date, n_days, coupler%text('provenance'))
  do member = first_member, first_member + members - 1

    ! 5. A new state: all interior cells are written, zero on land. The halo is the host's own, so
    !    its update comes next (in begin). With mode = 'perturb' it is one around the state that is
    !    in the arrays before. A run that goes on has its own state, and the coupler's memory.
    if (analysis_file /= '') call read_fields(trim(analysis_file), names, state)
    if (mode /= 'physics') call read_fields(trim(forcing_file), forcing_names, forcing, date)
    if (restart_in == '') call coupler%generate(member, date, status)
    if (restart_in /= '') call coupler%read_restart(trim(restart_in), status)
    call check('generate or read_restart')
    call begin()
    call report('generate', '_start', member, date, told('cells_out_of_bounds'), told('seconds'), &
                coupler%text('sha256'))

    kept = state
    kept_day = date
    do step = 1, nint(n_days*86400/dt)
      today = date_after(date, nint(step*dt)/86400)
      if (mode /= 'emulator') call advance(step*dt/86400, today, dt, growth)
      if (mode == 'physics' .or. mod(nint(step*dt), period) /= 0) cycle

      ! 6. The bound arrays in, the bound arrays out, a period later, under the forcing of its end.
      !    What physics made of that time stays in part: a weighted mean of two is within bounds.
      physics = state
      state = kept
      call read_fields(trim(forcing_file), forcing_names, forcing, today)
      call coupler%step(kept_day, period, status)
      call check('step')
      if (mode == 'corrected') state = (1 - correction_weight)*physics + correction_weight*state
      call update_halo(state)
      kept = state
      kept_day = today
    end do

    ! 7. With step_mode = 'project' a step puts right, and counts, what the host let out of bounds.
    if (mode == 'physics') then
      call report_budget()
      call coupler%step(today, dt, status)
      call check('step')
    end if
    call report('step', '', member, today, told('cells_out_of_bounds'), told('seconds'), '')
  end do
  if (restart_out /= '') call coupler%write_restart(trim(restart_out), status)   ! last member's
  call check('write_restart')
  if (rank == 0) call finish(nint(told('fallbacks')))   ! see on_failure

  ! 8. Stop. The arrays are forgotten; from here on they may be deallocated.
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

  real(wp) function told(name)
    !! A number about the last generate or step.
    character(len=*), intent(in) :: name
    call coupler%diagnostic(name, told, status)
    call check('diagnostic')
  end function told

  subroutine read_settings()
    integer :: unit
    character(len=256) :: text
    call get_command_argument(1, namelist_file)
    open (newunit=unit, file=namelist_file, action='read', status='old', iostat=status, iomsg=text)
    if (status == 0) read (unit, nml=host_nml, iostat=status, iomsg=text)
    if (status /= 0) call fail('&host_nml of '//trim(namelist_file)//': '//trim(text))
    if (min(members, n_days, block_nx, block_ny, correct_every) < 1 .or. .not. dt >= 1) &
      call fail('&host_nml: members, n_days, block_nx, block_ny, correct_every, dt must be positive')
    if (all(mode /= ['physics  ', 'emulator ', 'corrected'])) &
      call fail('&host_nml: mode must be physics, emulator or corrected, not '//trim(mode))
    period = merge(3600*correct_every, nint(dt), mode == 'corrected')
    if (mod(period, nint(dt)) /= 0 .or. abs(correction_weight - 0.5_wp) > 0.5_wp) &
      call fail('&host_nml: correct_every must be whole steps of dt, correction_weight from 0 to 1')
  end subroutine read_settings

end program host
