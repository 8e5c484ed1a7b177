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
    integer :: file, id, dims(2)
    call check_nc(nf90_open(path, NF90_NOWRITE, file), 'grid file '//path)
    call check_nc(nf90_inq_varid(file, 'mask', id), 'variable mask of '//path)
    call check_nc(nf90_inquire_variable(file, id, dimids=dims), 'variable mask of '//path)
    call check_nc(nf90_inquire_dimension(file, dims(1), len=nx_global), 'x of '//path)
    call check_nc(nf90_inquire_dimension(file, dims(2), len=ny_global), 'y of '//path)
    lat = variable(file, 'lat', 1)
    lon = variable(file, 'lon', 1)
    cell_area = variable(file, 'cell_area', 1)
    mask = variable(file, 'mask', 1)
  end subroutine read_grid

  subroutine read_fields(path, names, fields, record)
    !! This rank's part of fields on the grid of the host; record: which member or day.
    character(len=*), intent(in) :: path, names(:)
    integer, intent(in) :: record
    real(wp), intent(out) :: fields(:, :, :, :)   !! (nx_block, ny_block, n_blocks, field)
    integer :: file, f
    call check_nc(nf90_open(path, NF90_NOWRITE, file), 'file '//path)
    do f = 1, size(names)
      fields(:, :, :, f) = local(variable(file, names(f), record))
    end do
    call check_nc(nf90_close(file), path)
  end subroutine read_fields

  function variable(file, name, record) result(values)
    !! A field of the grid, or of one of half as many cells along each side; it may be packed.
    integer, intent(in) :: file, record   !! the first but where a dimension comes before y and x
    character(len=*), intent(in) :: name
    real(wp) :: values(nx_global, ny_global), factor, offset
    integer :: id, i, w, n, dims(NF90_MAX_VAR_DIMS)
    call check_nc(nf90_inq_varid(file, name, id), 'variable '//name)
    call check_nc(nf90_inquire_variable(file, id, dimids=dims), 'variable '//name)
    call check_nc(nf90_inquire_dimension(file, dims(1), len=n), 'variable '//name)
    w = max(1, nx_global/n)   ! cells of the grid for one of the file, along each side
    call check_nc(nf90_get_var(file, id, values(:nx_global/w, :ny_global/w), [1, 1, record]), &
                  'variable '//name)
    values = values([((i - 1)/w + 1, i=1, nx_global)], [((i - 1)/w + 1, i=1, ny_global)])
    if (nf90_get_att(file, id, 'scale_factor', factor) == NF90_NOERR) values = factor*values
    if (nf90_get_att(file, id, 'add_offset', offset) == NF90_NOERR) values = offset + values
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
