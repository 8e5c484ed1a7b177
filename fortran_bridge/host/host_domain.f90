module host_domain
  !! Blocks of the global grid: who owns which, halo update, gather to the first rank.
  !! Fields are (nx_block, ny_block, n_blocks) with one halo cell on each side; blocks of land only
  !! are dropped, and a rank may own several blocks or none.
  use mpi
  use host_grid, only: wp, grid_t
  implicit none
  private
  public :: domain_t, halo

  integer, parameter :: halo = 1
  integer, parameter :: here = 1, there = 2, global = 3   !! in whose array a cell is numbered

  type :: domain_t
    integer :: comm, rank, n_ranks
    integer :: n_blocks, nx_block, ny_block, n_cells, n_global
    integer, allocatable :: i_first(:), j_first(:), nx(:), ny(:)  !! interiors of this rank's blocks
    integer, allocatable, private :: first(:, :), extent(:, :)    !! of all blocks: (2, n)
    integer, allocatable, private :: owner(:), slot(:)            !! of all blocks: rank, position
    integer, allocatable, private :: block_at(:, :)               !! global cell -> block, 0: none
    ! numbers of cells, rank by rank where they travel, and how many for each rank
    integer, allocatable, private :: inner(:), received(:), sent(:), gathered(:), known(:)
    integer, allocatable, private :: n_received(:), n_sent(:), n_gathered(:)
  contains
    procedure :: setup, update_halo, gather, local
  end type domain_t

contains

  subroutine setup(domain, grid, block_nx, block_ny, comm)
    class(domain_t), intent(out) :: domain
    type(grid_t), intent(in) :: grid
    integer, intent(in) :: block_nx, block_ny, comm
    integer :: i, j, n, last(2), ierr

    domain%comm = comm
    call MPI_Comm_rank(comm, domain%rank, ierr)
    call MPI_Comm_size(comm, domain%n_ranks, ierr)
    allocate (domain%first(2, 0), domain%extent(2, 0))
    allocate (domain%block_at(grid%nx, grid%ny), source=0)
    n = 0
    do j = 1, grid%ny, block_ny
      do i = 1, grid%nx, block_nx
        last = min([i + block_nx, j + block_ny] - 1, [grid%nx, grid%ny])
        if (.not. any(grid%ocean(i:last(1), j:last(2)))) cycle
        n = n + 1
        domain%first = reshape([domain%first, i, j], [2, n])
        domain%extent = reshape([domain%extent, last - [i, j] + 1], [2, n])
        domain%block_at(i:last(1), j:last(2)) = n
      end do
    end do
    domain%owner = [(((i - 1)*domain%n_ranks)/n, i=1, n)]
    domain%slot = [(count(domain%owner(:i) == domain%owner(i)), i=1, n)]
    domain%i_first = pack(domain%first(1, :), domain%owner == domain%rank)
    domain%j_first = pack(domain%first(2, :), domain%owner == domain%rank)
    domain%nx = pack(domain%extent(1, :), domain%owner == domain%rank)
    domain%ny = pack(domain%extent(2, :), domain%owner == domain%rank)
    domain%n_blocks = size(domain%nx)
    domain%nx_block = maxval(domain%extent(1, :)) + 2*halo
    domain%ny_block = maxval(domain%extent(2, :)) + 2*halo
    domain%n_cells = domain%nx_block*domain%ny_block*domain%n_blocks
    domain%n_global = grid%nx*grid%ny
    call list_cells(domain)
  end subroutine setup

  subroutine list_cells(domain)
    class(domain_t), intent(inout) :: domain
    integer :: p, me
    me = domain%rank
    domain%inner = cells_of(domain, me, me, here, in_halo=.false.)
    domain%known = cells_of(domain, me, me, global, in_halo=.false.)
    allocate (domain%received(0), domain%sent(0), domain%gathered(0))
    allocate (domain%n_received(0), domain%n_sent(0), domain%n_gathered(0))
    do p = 0, domain%n_ranks - 1
      domain%known = [domain%known, cells_of(domain, me, p, global, in_halo=.true.)]
      call append(domain%received, domain%n_received, cells_of(domain, me, p, here, in_halo=.true.))
      call append(domain%sent, domain%n_sent, cells_of(domain, p, me, there, in_halo=.true.))
      call append(domain%gathered, domain%n_gathered, &
                  cells_of(domain, p, p, global, in_halo=.false.))
    end do
  end subroutine list_cells

  subroutine append(cells, counts, more)
    integer, allocatable, intent(inout) :: cells(:), counts(:)
    integer, intent(in) :: more(:)
    cells = [cells, more]
    counts = [counts, size(more)]
  end subroutine append

  function cells_of(domain, rank, owner, numbered, in_halo) result(cells)
    !! The cells in the arrays of `rank` (halo or interior) that `owner` owns.
    type(domain_t), intent(in) :: domain
    integer, intent(in) :: rank, owner, numbered
    logical, intent(in) :: in_halo
    integer, allocatable :: cells(:)
    integer :: b, source, i, j, n, cell(2), number(3)

    allocate (cells(count(domain%owner == rank)*domain%nx_block*domain%ny_block))
    n = 0
    do b = 1, size(domain%owner)
      if (domain%owner(b) /= rank) cycle
      do j = 1, domain%extent(2, b) + 2*halo
        do i = 1, domain%extent(1, b) + 2*halo
          cell = domain%first(:, b) + [i, j] - halo - 1
          if (any(cell < 1) .or. any(cell > shape(domain%block_at))) cycle
          source = domain%block_at(cell(1), cell(2))
          if (source == 0 .or. ((source /= b) .neqv. in_halo)) cycle
          if (domain%owner(source) /= owner) cycle
          number(here) = in_block(domain, [i, j], b)
          number(there) = in_block(domain, cell - domain%first(:, source) + halo + 1, source)
          number(global) = cell(1) + (cell(2) - 1)*size(domain%block_at, 1)
          n = n + 1
          cells(n) = number(numbered)
        end do
      end do
    end do
    cells = cells(:n)
  end function cells_of

  pure integer function in_block(domain, cell, b)
    !! Number of a cell (i, j) of block b in the arrays of its owner.
    type(domain_t), intent(in) :: domain
    integer, intent(in) :: cell(2), b
    in_block = cell(1) + domain%nx_block*(cell(2) - 1 + domain%ny_block*(domain%slot(b) - 1))
  end function in_block

  subroutine update_halo(domain, field)
    class(domain_t), intent(in) :: domain
    real(wp), intent(inout) :: field(domain%n_cells)
    real(wp) :: incoming(size(domain%received))
    integer :: ierr
    call MPI_Alltoallv(field(domain%sent), domain%n_sent, offsets(domain%n_sent), &
                       MPI_DOUBLE_PRECISION, incoming, domain%n_received, &
                       offsets(domain%n_received), MPI_DOUBLE_PRECISION, domain%comm, ierr)
    field(domain%received) = incoming
  end subroutine update_halo

  function gather(domain, field) result(whole)
    !! The global field on the first rank, zero where no block is; the other ranks get zeros.
    class(domain_t), intent(in) :: domain
    real(wp), intent(in) :: field(domain%n_cells)
    real(wp) :: whole(domain%n_global), cells(size(domain%gathered))
    integer :: ierr
    call MPI_Gatherv(field(domain%inner), size(domain%inner), MPI_DOUBLE_PRECISION, cells, &
                     domain%n_gathered, offsets(domain%n_gathered), MPI_DOUBLE_PRECISION, 0, &
                     domain%comm, ierr)
    whole = 0
    if (domain%rank == 0) whole(domain%gathered) = cells
  end function gather

  function local(domain, whole) result(field)
    !! This rank's part, halo included, of a global field that every rank has. Zero elsewhere.
    class(domain_t), intent(in) :: domain
    real(wp), intent(in) :: whole(domain%n_global)
    real(wp) :: field(domain%nx_block, domain%ny_block, domain%n_blocks)
    real(wp) :: flat(domain%n_cells)
    flat = 0
    flat([domain%inner, domain%received]) = whole(domain%known)
    field = reshape(flat, shape(field))
  end function local

  pure function offsets(counts)
    integer, intent(in) :: counts(:)
    integer :: offsets(size(counts)), p
    offsets = [(sum(counts(:p - 1)), p=1, size(counts))]
  end function offsets

end module host_domain
