! The contract program of the design: what the design leaves out is filled in around its lines.
program example
  use mpi
  use esm_coupler, only: coupler_t, ESM_OK
  implicit none
  type(coupler_t) :: coupler
  real(8), allocatable, target :: sic(:,:,:), sit(:,:,:)        ! (nx_block, ny_block, n_blocks), halo included
  integer :: status, ierr
  integer, parameter :: nx_global = 32, ny_global = 16, halo = 1, n_steps = 2, date = 20180301
  real(8), parameter :: seconds = 3600
  logical, allocatable :: ocean(:,:,:)
  integer, allocatable :: i_first(:), j_first(:), nx(:), ny(:)
  integer :: step, n_blocks, rank, n_ranks
  call MPI_Init(ierr)
  call MPI_Comm_rank(MPI_COMM_WORLD, rank, ierr)
  call MPI_Comm_size(MPI_COMM_WORLD, n_ranks, ierr)
  call deal_blocks()
  call coupler%start(MPI_COMM_WORLD, 'namelists/demo.nml', status)              ! collective
  if (status /= ESM_OK) then; print *, coupler%message(); call MPI_Abort(MPI_COMM_WORLD, 1, ierr); end if
  call coupler%set_domain(nx_global, ny_global, i_first, j_first, nx, ny, halo, status)
                   ! i_first, j_first, nx, ny: integer arrays (n_blocks), 1-based, interior only; halo: width
  call expect_ok()
  call coupler%set_mask(ocean, status)               ! logical, same shape as the fields; optional: without it the checkpoint's own mask holds
  call expect_ok()
  call coupler%bind('sic', sic, status)
  call expect_ok()
  call coupler%bind('sit', sit, status)                                          ! real32 or real64, rank 2 or 3, contiguous
  call expect_ok()
  call coupler%generate(member=3, date=20180301, status=status)                  ! collective; fills the bound arrays
  call expect_ok()
  do step = 1, n_steps
    call coupler%step(date, seconds, status)                                     ! emulator: bound arrays in, bound arrays out
    call expect_ok()
  end do
  call coupler%stop(status)
  call expect_ok()
  call write_blocks()
  call MPI_Finalize(ierr)

contains

  !> Eight blocks of 8 by 8 cells, dealt out to the ranks in turn.
  subroutine deal_blocks()
    integer :: all_blocks(8), n, k
    integer, allocatable :: mine(:)
    all_blocks = [(n, n = 0, 7)]
    mine = pack(all_blocks, mod(all_blocks, n_ranks) == rank)
    n_blocks = size(mine)
    i_first = 8 * mod(mine, 4) + 1
    j_first = 8 * (mine / 4) + 1
    allocate(nx(n_blocks), ny(n_blocks), source=8)
    allocate(sic(10, 10, n_blocks), sit(10, 10, n_blocks), source=-99.0d0)
    allocate(ocean(10, 10, n_blocks), source=.true.)
    do n = 1, n_blocks ! the outermost cells of the grid are land
      where (spread([(i_first(n) + k - 2, k = 1, 10)], 2, 10) <= 1) ocean(:, :, n) = .false.
      where (spread([(i_first(n) + k - 2, k = 1, 10)], 2, 10) >= nx_global) ocean(:, :, n) = .false.
      where (spread([(j_first(n) + k - 2, k = 1, 10)], 1, 10) <= 1) ocean(:, :, n) = .false.
      where (spread([(j_first(n) + k - 2, k = 1, 10)], 1, 10) >= ny_global) ocean(:, :, n) = .false.
    end do
  end subroutine deal_blocks

  subroutine expect_ok()
    if (status == ESM_OK) return
    print *, status, coupler%message()
    call MPI_Abort(MPI_COMM_WORLD, 1, ierr)
  end subroutine expect_ok

  !> One file per block, raw: its name tells the first cell, its bytes are sic and sit with halo.
  subroutine write_blocks()
    character(len=32) :: name
    integer :: n, unit
    do n = 1, n_blocks
      write(name, '("block_", i0, "_", i0, ".bin")') i_first(n), j_first(n)
      open(newunit=unit, file=name, access='stream', form='unformatted', status='replace')
      write(unit) sic(:, :, n), sit(:, :, n)
      close(unit)
    end do
  end subroutine write_blocks
end program example
