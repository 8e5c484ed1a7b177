module host_domain
  !! The grid, read from what `esm-coupler inspect CHECKPOINT --grid FILE` wrote, its blocks, fields
  !! of files, and the days of a calendar.
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
    character(len=*), intent(in) :: grid_file   !! every rank reads it: it is small
    integer, intent(in) :: block_nx, block_ny
    integer :: n_ranks, ierr, i, j, n, last(2)
    lat = variable(grid_file, 'lat')
    lon = variable(grid_file, 'lon')
    cell_area = variable(grid_file, 'cell_area')
    mask = variable(grid_file, 'mask')
    nx_global = size(mask, 1)
    ny_global = size(mask, 2)
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

  subroutine read_fields(path, names, fields, date)
    !! This rank's part of fields on the grid, or on half as many cells along each side: those of a
    !! day, or the first of the file.
    character(len=*), intent(in) :: path, names(:)
    real(wp), intent(out) :: fields(:, :, :, :)   !! (nx_block, ny_block, n_blocks, name)
    integer, intent(in), optional :: date         !! yyyymmdd
    real(wp), allocatable :: values(:, :)
    integer :: f, i, w   ! w: cells of the grid for one of the file, along each side
    do f = 1, size(names)
      values = variable(path, names(f), date)
      w = max(1, nx_global/size(values, 1))
      values = values([((i - 1)/w + 1, i=1, nx_global)], [((i - 1)/w + 1, i=1, ny_global)])
      fields(:, :, :, f) = local(values)
    end do
  end subroutine read_fields

  function variable(path, name, date) result(values)
    !! A field of a file, of its size there, of a day or the first; it may be packed.
    character(len=*), intent(in) :: path, name
    integer, intent(in), optional :: date   !! yyyymmdd
    real(wp), allocatable :: values(:, :)
    real(wp) :: factor, offset
    integer :: file, id, nx, ny, record, dims(NF90_MAX_VAR_DIMS)
    call check_nc(nf90_open(path, NF90_NOWRITE, file), path)
    call check_nc(nf90_inq_varid(file, name, id), name//' of '//path)
    call check_nc(nf90_inquire_variable(file, id, dimids=dims), name//' of '//path)
    call check_nc(nf90_inquire_dimension(file, dims(1), len=nx), 'x of '//path)
    call check_nc(nf90_inquire_dimension(file, dims(2), len=ny), 'y of '//path)
    record = 1
    if (present(date)) record = record_of(date, file, path)
    allocate (values(nx, ny))
    call check_nc(nf90_get_var(file, id, values, [1, 1, record]), name//' of '//path)
    if (nf90_get_att(file, id, 'scale_factor', factor) == NF90_NOERR) values = factor*values
    if (nf90_get_att(file, id, 'add_offset', offset) == NF90_NOERR) values = offset + values
    call check_nc(nf90_close(file), path)
  end function variable

  integer function record_of(date, file, path) result(record)
    !! Which record of an open file is that of a day, by its time.
    integer, intent(in) :: date, file
    character(len=*), intent(in) :: path
    character(len=64) :: units
    integer :: id, day, start(3)
    call check_nc(nf90_inq_varid(file, 'time', id), 'time of '//path)
    call check_nc(nf90_get_att(file, id, 'units', units), 'units of time of '//path)
    read (units, '(11x, i4, 1x, i2, 1x, i2)') start   ! days since yyyy-mm-dd
    do record = 1, huge(record)
      call check_nc(nf90_get_var(file, id, day, [record]), 'the days of '//path//' end before')
      if (date_after(dot_product(start, [10000, 100, 1]), day) == date) exit
    end do
  end function record_of

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
    call MPI_Allreduce(MPI_IN_PLACE, grid, 8*size(grid), MPI_BYTE, MPI_BOR, MPI_COMM_WORLD, ierr)
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
    if (status /= NF90_NOERR) call fail(trim(what)//': '//trim(nf90_strerror(status)))
  end subroutine check_nc

  subroutine fail(text)
    !! How this host ends on an error. The coupler never does: it returns a status instead.
    character(len=*), intent(in) :: text
    integer :: ierr
    write (error_unit, '(2a)') 'host: ', text
    call MPI_Abort(MPI_COMM_WORLD, 1, ierr)
  end subroutine fail

end module host_domain
