module host_domain
  !! The grid, read from what `esm-coupler inspect CHECKPOINT --grid FILE` wrote, and its blocks.
  !! Fields are (nx_block, ny_block, n_blocks) with one halo cell on each side. Blocks of land only
  !! are dropped, the others dealt out to the ranks: each gets several, or none.
  use, intrinsic :: iso_fortran_env, only: error_unit, wp => real64
  use mpi
  use netcdf
  implicit none

  integer, parameter :: halo = 1
  integer, protected :: rank, nx_global, ny_global, n_blocks, nx_block, ny_block
  real(wp), allocatable, dimension(:, :), protected :: lat, lon, cell_area, mask
  !! (nx_global, ny_global): of cell centres [degrees]; [m2]; 1 ocean, 0 land
  integer, allocatable, dimension(:), protected :: i_first, j_first, nx, ny   !! interiors of blocks

contains

  subroutine set_up(grid_file, block_nx, block_ny)
    character(len=*), intent(in) :: grid_file
    integer, intent(in) :: block_nx, block_ny
    integer :: n_ranks, ierr, i, j, n, last(2)
    call read_grid(grid_file)
    call MPI_Comm_rank(MPI_COMM_WORLD, rank, ierr)
    call MPI_Comm_size(MPI_COMM_WORLD, n_ranks, ierr)
    allocate (i_first(0), j_first(0), nx(0), ny(0))
    n = 0
    do j = 1, ny_global, block_ny
      do i = 1, nx_global, block_nx
        last = min([i + block_nx, j + block_ny] - 1, [nx_global, ny_global])
        if (all(mask(i:last(1), j:last(2)) < 1)) cycle
        n = n + 1
        if (mod(n, n_ranks) /= rank) cycle
        i_first = [i_first, i]
        j_first = [j_first, j]
        nx = [nx, last(1) - i + 1]
        ny = [ny, last(2) - j + 1]
      end do
    end do
    n_blocks = size(nx)
    nx_block = maxval([nx, 0]) + 2*halo
    ny_block = maxval([ny, 0]) + 2*halo
  end subroutine set_up

  subroutine read_grid(path)
    !! Every rank reads the file: it is small, and each needs the forcing of the whole grid.
    character(len=*), intent(in) :: path
    integer :: file, id
    call check_nc(nf90_open(path, NF90_NOWRITE, file), 'grid file '//path)
    call check_nc(nf90_inq_dimid(file, 'x', id), 'dimension x of '//path)
    call check_nc(nf90_inquire_dimension(file, id, len=nx_global), 'dimension x of '//path)
    call check_nc(nf90_inq_dimid(file, 'y', id), 'dimension y of '//path)
    call check_nc(nf90_inquire_dimension(file, id, len=ny_global), 'dimension y of '//path)
    lat = variable(file, 'lat')
    lon = variable(file, 'lon')
    cell_area = variable(file, 'cell_area')
    mask = variable(file, 'mask')
  end subroutine read_grid

  subroutine read_fields(path, names, fields)
    !! This rank's part of fields on the grid of the host; of several members the first.
    character(len=*), intent(in) :: path, names(:)
    real(wp), intent(out) :: fields(:, :, :, :)   !! (nx_block, ny_block, n_blocks, field)
    integer :: file, f
    call check_nc(nf90_open(path, NF90_NOWRITE, file), 'analysis '//path)
    do f = 1, size(names)
      fields(:, :, :, f) = local(variable(file, names(f)))
    end do
    call check_nc(nf90_close(file), path)
  end subroutine read_fields

  function variable(file, name) result(values)
    integer, intent(in) :: file
    character(len=*), intent(in) :: name
    real(wp) :: values(nx_global, ny_global)
    integer :: id
    call check_nc(nf90_inq_varid(file, name, id), 'variable '//name)
    call check_nc(nf90_get_var(file, id, values), 'variable '//name)
  end function variable

  function local(grid) result(field)
    !! This rank's part of a global field, halo included; zero outside the grid.
    real(wp), intent(in) :: grid(nx_global, ny_global)
    real(wp) :: field(nx_block, ny_block, n_blocks), framed(0:nx_global + 1, 0:ny_global + 1)
    integer :: b
    field = 0
    framed = 0
    framed(1:nx_global, 1:ny_global) = grid
    do b = 1, n_blocks
      field(:nx(b) + 2, :ny(b) + 2, b) = framed(i_first(b) - 1:i_first(b) + nx(b), &
                                                j_first(b) - 1:j_first(b) + ny(b))
    end do
  end function local

  function whole(field) result(grid)
    !! The global field, on every rank; zero where no block is. The ranks' bits are joined, not
    !! added, so that every number arrives as it was.
    real(wp), intent(in) :: field(nx_block, ny_block, n_blocks)
    real(wp) :: grid(nx_global, ny_global)
    integer :: b, ierr
    grid = 0
    do b = 1, n_blocks
      grid(i_first(b):i_first(b) + nx(b) - 1, j_first(b):j_first(b) + ny(b) - 1) = &
        field(2:nx(b) + 1, 2:ny(b) + 1, b)
    end do
    call MPI_Allreduce(MPI_IN_PLACE, grid, size(grid)*storage_size(grid)/8, MPI_BYTE, MPI_BOR, &
                       MPI_COMM_WORLD, ierr)
  end function whole

  subroutine update_halo(fields)
    !! By way of the whole field, because a small grid lets it be so short. Where many ranks share
    !! a large grid, only edges go, and only to neighbours.
    real(wp), intent(inout) :: fields(:, :, :, :)
    integer :: n
    do n = 1, size(fields, 4)
      fields(:, :, :, n) = local(whole(fields(:, :, :, n)))
    end do
  end subroutine update_halo

  subroutine check_nc(status, what)
    integer, intent(in) :: status
    character(len=*), intent(in) :: what
    if (status /= NF90_NOERR) call fail(what//': '//trim(nf90_strerror(status)))
  end subroutine check_nc

  subroutine fail(text)
    !! How this host ends on an error. The coupler never does: it returns a status instead.
    character(len=*), intent(in) :: text
    integer :: ierr
    write (error_unit, '(2a)') 'host: ', text
    call MPI_Abort(MPI_COMM_WORLD, 1, ierr)
  end subroutine fail

end module host_domain
