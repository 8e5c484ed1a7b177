program cice_like
  ! Initialise from state.in, call the adapter where CICE does, write state.out. Both files hold
  ! fields (nx_global, ny_global) of float64: ocean, sst, frzmlt, uvel, vvel, stress, iceumask,
  ! then by category aicen, vicen, vsnon and the tracers; state.out also aice, vice, vsno.
  use ice_arrays_column, only: hin_max
  use ice_blocks
  use ice_boundary, only: ice_HaloUpdate, to_blocks, to_global
  use ice_calendar, only: myear, mmonth, mday
  use ice_communicate
  use ice_constants
  use ice_domain
  use ice_domain_size
  use ice_dyn_shared
  use ice_esm_coupler, only: esm_initialize, esm_step, esm_finalize
  use ice_flux
  use ice_grid
  use ice_kinds_mod
  use ice_state
  use icepack_intfc, only: n_tracers, tr_fsd
  implicit none
  integer :: unit, n_steps = 0, step, ierr
  real(dbl_kind), allocatable :: limits(:), salinity(:)
  namelist /model_nml/ nx_global, ny_global, ncat, nilyr, limits, salinity, n_steps, grid_ice, &
    tr_fsd, myear, mmonth, mday

  call init_communicate()
  allocate (limits(0:30), salinity(30), source=c0)
  open (newunit=unit, file='ice_in', action='read', status='old')
  read (unit, nml=model_nml)
  close (unit)
  call init_domain()
  call allocate_state()
  call read_state()
  call esm_initialize
  do step = 1, n_steps
    call esm_step
  end do
  call write_state()
  call esm_finalize
  call MPI_Finalize(ierr)

contains

  subroutine allocate_state()
    integer :: n
    n = n_tracers()
    allocate (hin_max(0:ncat), source=limits(0:ncat))
    allocate (aicen(nx_block, ny_block, ncat, max_blocks), source=c0)
    allocate (vicen, vsnon, source=aicen)
    allocate (trcrn(nx_block, ny_block, n, ncat, max_blocks), source=c0)
    allocate (trcr(nx_block, ny_block, n, max_blocks), source=c0)
    allocate (aice(nx_block, ny_block, max_blocks), source=c0)
    allocate (vice, vsno, aice0, aice_init, uvel, vvel, sst, frzmlt, source=aice)
    allocate (Tair, source=0*aice + 253)
    allocate (Tf, source=0*aice - 1.8_dbl_kind)
    allocate (trcr_base(n, 3), source=c0)
    allocate (trcr_depend(n), n_trcr_strata(n), nt_strata(n, 2), source=0)
    allocate (salinz(nx_block, ny_block, nilyr + 1, max_blocks))
    do n = 1, nilyr + 1
      salinz(:, :, n, :) = salinity(n)
    end do
    Tmltz = -0.054_dbl_kind*salinz
  end subroutine allocate_state

  subroutine read_state()
    real(dbl_kind) :: ocean(nx_block, ny_block, max_blocks), stress(nx_block, ny_block, max_blocks)
    ocean = 0
    stress = 0
    open (newunit=unit, file='state.in', access='stream', action='read', status='old')
    call read_field(ocean)
    call read_field(sst)
    call read_field(frzmlt)
    call read_field(uvel)
    call read_field(vvel)
    call read_field(stress)
    call read_mask()
    call read_categories(aicen)
    call read_categories(vicen)
    call read_categories(vsnon)
    call read_tracers()
    close (unit)
    tmask = ocean > 0
    allocate (umask, mold=tmask)
    umask = .false.
    umask(:nx_block - 1, :ny_block - 1, :) = tmask(:nx_block - 1, :ny_block - 1, :) .and. &
      tmask(2:, :ny_block - 1, :) .and. tmask(:nx_block - 1, 2:, :) .and. tmask(2:, 2:, :)
    allocate (stressp_1, stressp_2, stressp_3, stressp_4, stressm_1, stressm_2, stressm_3, &
              stressm_4, stress12_1, stress12_2, stress12_3, stress12_4, strocnxT_iavg, &
              strocnyT_iavg, source=stress)
  end subroutine read_state

  subroutine read_field(field)
    real(dbl_kind), intent(inout) :: field(:, :, :)
    real(dbl_kind) :: grid(nx_global, ny_global)
    read (unit) grid
    call to_blocks(grid, field, halo_info)
  end subroutine read_field

  subroutine read_categories(field)
    real(dbl_kind), intent(inout) :: field(:, :, :, :)
    integer :: n
    do n = 1, ncat
      call read_field(field(:, :, n, :))
    end do
  end subroutine read_categories

  subroutine read_tracers()
    integer :: k
    do k = 1, size(trcrn, 3)
      call read_categories(trcrn(:, :, k, :, :))
    end do
  end subroutine read_tracers

  subroutine read_mask()
    real(dbl_kind) :: field(nx_block, ny_block, max_blocks)
    field = 0
    call read_field(field)
    iceUmask = field > 0
  end subroutine read_mask

  subroutine write_state()
    integer :: k
    if (my_task == master_task) open (newunit=unit, file='state.out', access='stream', &
      action='write', status='replace')
    call write_field(merge(c1, c0, tmask))
    call write_field(sst)
    call write_field(frzmlt)
    call write_field(uvel)
    call write_field(vvel)
    call write_field(stressp_1 + stress12_4 + strocnyT_iavg)
    call write_field(merge(c1, c0, iceUmask))
    call write_categories(aicen)
    call write_categories(vicen)
    call write_categories(vsnon)
    do k = 1, size(trcrn, 3)
      call write_categories(trcrn(:, :, k, :, :))
    end do
    call write_field(aice)
    call write_field(vice)
    call write_field(vsno)
    if (my_task == master_task) close (unit)
    call check_ghosts()
  end subroutine write_state

  subroutine write_field(field)
    real(dbl_kind), intent(in) :: field(:, :, :)
    real(dbl_kind) :: grid(nx_global, ny_global)
    grid = to_global(field, halo_info)
    if (my_task == master_task) write (unit) grid
  end subroutine write_field

  subroutine write_categories(field)
    real(dbl_kind), intent(in) :: field(:, :, :, :)
    integer :: n
    do n = 1, ncat
      call write_field(field(:, :, n, :))
    end do
  end subroutine write_categories

  subroutine check_ghosts()
    ! An update of ghost cells must change nothing, of stresses neither.
    call check_ghost('aicen', aicen(:, :, ncat, :))
    call check_ghost('vicen', vicen(:, :, 1, :))
    call check_ghost('vsnon', vsnon(:, :, 1, :))
    call check_ghost('trcrn', trcrn(:, :, size(trcrn, 3), ncat, :))
    call check_ghost('uvel', uvel)
    call check_ghost('vvel', vvel)
    call check_ghost('aice', aice)
    call check_ghost('stressm_3', stressm_3)
  end subroutine check_ghosts

  subroutine check_ghost(name, field)
    character(len=*), intent(in) :: name
    real(dbl_kind), intent(in) :: field(:, :, :)
    real(dbl_kind), allocatable :: updated(:, :, :)
    updated = field
    call ice_HaloUpdate(updated, halo_info, field_loc_center, field_type_scalar)
    if (any(updated /= field)) then
      print '(2a)', 'ghost cells are not up to date: ', name
      call MPI_Abort(MPI_COMM_WORLD, 1, ierr)
    end if
  end subroutine check_ghost
end program cice_like
