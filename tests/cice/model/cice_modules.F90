! The names, shapes and blocks of CICE 6 that the adapter uses, and as little behind them as its
! tests need. The blocks of each rank are listed in blocks.txt, sizes and switches in ice_in.
module ice_kinds_mod
  use, intrinsic :: iso_fortran_env, only: int32, real64
  implicit none
  integer, parameter :: int_kind = int32, dbl_kind = real64, log_kind = kind(.true.)
  integer, parameter :: char_len = 80, char_len_long = 256
end module ice_kinds_mod

module ice_constants
  use ice_kinds_mod
  implicit none
  real(dbl_kind), parameter :: c0 = 0, c1 = 1, c2 = 2, p5 = 0.5_dbl_kind
  integer, parameter :: field_loc_center = 1, field_loc_NEcorner = 2
  integer, parameter :: field_type_scalar = 1, field_type_vector = 2
end module ice_constants

module ice_communicate
  use mpi
  implicit none
  integer :: MPI_COMM_ICE, my_task, master_task = 0, n_tasks
contains
  subroutine init_communicate()
    integer :: ierr
    call MPI_Init(ierr)
    call MPI_Comm_dup(MPI_COMM_WORLD, MPI_COMM_ICE, ierr)
    call MPI_Comm_rank(MPI_COMM_ICE, my_task, ierr)
    call MPI_Comm_size(MPI_COMM_ICE, n_tasks, ierr)
  end subroutine init_communicate
end module ice_communicate

module ice_fileunits
  use, intrinsic :: iso_fortran_env, only: output_unit
  implicit none
  integer :: nu_diag = output_unit
  character(len=80) :: nml_filename = 'ice_in'
end module ice_fileunits

module ice_exit
  use, intrinsic :: iso_fortran_env, only: error_unit
  use mpi
  implicit none
contains
  subroutine abort_ice(error_message, file, line)
    character(len=*), intent(in), optional :: error_message, file
    integer, intent(in), optional :: line
    integer :: ierr
    if (present(error_message)) write (error_unit, '(2a)') 'ABORTED: ', error_message
    if (present(file) .and. present(line)) write (error_unit, *) file, line
    call MPI_Abort(MPI_COMM_WORLD, 128, ierr)
  end subroutine abort_ice
end module ice_exit

module ice_broadcast
  use ice_communicate
  implicit none
  interface broadcast_scalar
    module procedure broadcast_text, broadcast_integer, broadcast_logical
  end interface
contains
  subroutine broadcast_text(scalar, root)
    character(len=*), intent(inout) :: scalar
    integer, intent(in) :: root
    integer :: ierr
    call MPI_Bcast(scalar, len(scalar), MPI_CHARACTER, root, MPI_COMM_ICE, ierr)
  end subroutine broadcast_text

  subroutine broadcast_integer(scalar, root)
    integer, intent(inout) :: scalar
    integer, intent(in) :: root
    integer :: ierr
    call MPI_Bcast(scalar, 1, MPI_INTEGER, root, MPI_COMM_ICE, ierr)
  end subroutine broadcast_integer

  subroutine broadcast_logical(scalar, root)
    logical, intent(inout) :: scalar
    integer, intent(in) :: root
    integer :: ierr
    call MPI_Bcast(scalar, 1, MPI_LOGICAL, root, MPI_COMM_ICE, ierr)
  end subroutine broadcast_logical
end module ice_broadcast

module ice_domain_size
  implicit none
  integer :: nx_global = 0, ny_global = 0, ncat = 5, nilyr = 3, nslyr = 1, max_blocks = 0
end module ice_domain_size

module ice_blocks
  implicit none
  type block
    integer :: block_id, local_id, ilo, ihi, jlo, jhi, iblock, jblock
    integer, pointer :: i_glob(:), j_glob(:)
  end type block
  integer, parameter :: nghost = 1
  integer :: nx_block, ny_block, nblocks_tot
  type(block), allocatable :: all_blocks(:)
contains
  function get_block(block_id, local_id)
    integer, intent(in) :: block_id, local_id
    type(block) :: get_block
    get_block = all_blocks(block_id)
    get_block%local_id = local_id
  end function get_block
end module ice_blocks

module ice_boundary
  use ice_blocks
  use ice_communicate
  use ice_domain_size
  use ice_kinds_mod
  implicit none
  type ice_halo
    integer, pointer :: blocks(:)  ! as blocks_ice, here
  end type ice_halo
  interface ice_HaloUpdate
    module procedure halo_2d, halo_3d, halo_4d
  end interface
contains
  subroutine halo_2d(array, halo, field_loc, field_type)
    real(dbl_kind), intent(inout) :: array(:, :, :)
    type(ice_halo), intent(in) :: halo
    integer, intent(in) :: field_loc, field_type
    if (min(field_loc, field_type) < 1) stop 'field_loc and field_type count from 1'
    call to_blocks(to_global(array, halo), array, halo)
  end subroutine halo_2d

  subroutine halo_3d(array, halo, field_loc, field_type)
    real(dbl_kind), intent(inout) :: array(:, :, :, :)
    type(ice_halo), intent(in) :: halo
    integer, intent(in) :: field_loc, field_type
    integer :: n
    do n = 1, size(array, 3)
      call halo_2d(array(:, :, n, :), halo, field_loc, field_type)
    end do
  end subroutine halo_3d

  subroutine halo_4d(array, halo, field_loc, field_type)
    real(dbl_kind), intent(inout) :: array(:, :, :, :, :)
    type(ice_halo), intent(in) :: halo
    integer, intent(in) :: field_loc, field_type
    integer :: n
    do n = 1, size(array, 3)
      call halo_3d(array(:, :, n, :, :), halo, field_loc, field_type)
    end do
  end subroutine halo_4d

  function to_global(array, halo) result(grid)
    ! On all ranks. The ranks' bits are joined, not added, so that each number stays as it is.
    real(dbl_kind), intent(in) :: array(:, :, :)
    type(ice_halo), intent(in) :: halo
    real(dbl_kind) :: grid(nx_global, ny_global)
    integer :: n, ierr
    grid = 0
    do n = 1, size(halo%blocks)
      associate (b => all_blocks(halo%blocks(n)))
        grid(b%i_glob(b%ilo):b%i_glob(b%ihi), b%j_glob(b%jlo):b%j_glob(b%jhi)) = &
          array(b%ilo:b%ihi, b%jlo:b%jhi, n)
      end associate
    end do
    call MPI_Allreduce(MPI_IN_PLACE, grid, 8*size(grid), MPI_BYTE, MPI_BOR, MPI_COMM_ICE, ierr)
  end function to_global

  subroutine to_blocks(grid, array, halo)
    ! Ghost cells too; zero beyond the closed boundaries.
    real(dbl_kind), intent(in) :: grid(:, :)
    real(dbl_kind), intent(inout) :: array(:, :, :)
    type(ice_halo), intent(in) :: halo
    real(dbl_kind) :: framed(0:nx_global + 1, 0:ny_global + 1)
    integer :: n
    framed = 0
    framed(1:nx_global, 1:ny_global) = grid
    do n = 1, size(halo%blocks)
      associate (b => all_blocks(halo%blocks(n)))
        array(:b%ihi + 1, :b%jhi + 1, n) = framed(b%i_glob(b%ilo) - 1:b%i_glob(b%ihi) + 1, &
                                                  b%j_glob(b%jlo) - 1:b%j_glob(b%jhi) + 1)
      end associate
    end do
  end subroutine to_blocks
end module ice_boundary

module ice_domain
  use ice_blocks
  use ice_boundary
  use ice_communicate, only: my_task
  implicit none
  integer :: nblocks
  integer, pointer :: blocks_ice(:)
  type(ice_halo) :: halo_info
contains
  subroutine init_domain()
    ! From the lines of blocks.txt: rank, first i, first j, size in i, size in j.
    integer :: unit, n, status, k
    integer, allocatable :: table(:, :)
    integer :: line(5)
    allocate (table(5, 0))
    open (newunit=unit, file='blocks.txt', action='read', status='old')
    do
      read (unit, *, iostat=status) line
      if (status /= 0) exit
      table = reshape([table, line], [5, size(table, 2) + 1])
    end do
    close (unit)
    nblocks_tot = size(table, 2)
    nx_block = maxval(table(4, :)) + 2*nghost
    ny_block = maxval(table(5, :)) + 2*nghost
    allocate (all_blocks(nblocks_tot))
    do n = 1, nblocks_tot
      all_blocks(n) = block(n, 0, 2, 1 + table(4, n), 2, 1 + table(5, n), 0, 0, null(), null())
      allocate (all_blocks(n)%i_glob, source=[(table(2, n) + k - 2, k=1, nx_block)])
      allocate (all_blocks(n)%j_glob, source=[(table(3, n) + k - 2, k=1, ny_block)])
    end do
    allocate (blocks_ice, source=pack([(n, n=1, nblocks_tot)], table(1, :) == my_task))
    halo_info%blocks => blocks_ice
    nblocks = size(blocks_ice)
    max_blocks = maxval([(count(table(1, :) == k), k=0, maxval(table(1, :)))])
  end subroutine init_domain
end module ice_domain

module ice_calendar
  use ice_kinds_mod
  implicit none
  real(dbl_kind) :: dt = 3600
  integer :: myear = 1990, mmonth = 3, mday = 1
end module ice_calendar

module ice_grid
  use ice_kinds_mod
  implicit none
  character(len=char_len) :: grid_ice = 'B'
  logical, allocatable :: tmask(:, :, :), umask(:, :, :)
end module ice_grid

module ice_arrays_column
  use ice_kinds_mod
  implicit none
  real(dbl_kind), allocatable :: hin_max(:)
end module ice_arrays_column

module ice_dyn_shared
  implicit none
  logical, allocatable :: iceUmask(:, :, :)
end module ice_dyn_shared

module ice_flux
  use ice_kinds_mod
  implicit none
  real(dbl_kind), allocatable, dimension(:, :, :) :: Tair, Tf, sst, frzmlt, strocnxT_iavg, &
    strocnyT_iavg, stressp_1, stressp_2, stressp_3, stressp_4, stressm_1, stressm_2, stressm_3, &
    stressm_4, stress12_1, stress12_2, stress12_3, stress12_4
  real(dbl_kind), allocatable, dimension(:, :, :, :) :: salinz, Tmltz
end module ice_flux

module ice_state
  use ice_kinds_mod
  implicit none
  real(dbl_kind), allocatable, dimension(:, :, :) :: aice, vice, vsno, aice0, aice_init, uvel, vvel
  real(dbl_kind), allocatable, dimension(:, :, :, :) :: aicen, vicen, vsnon, trcr
  real(dbl_kind), allocatable :: trcrn(:, :, :, :, :), trcr_base(:, :)
  integer, allocatable :: trcr_depend(:), n_trcr_strata(:), nt_strata(:, :)
end module ice_state
