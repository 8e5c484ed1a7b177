module host_grid
  !! The global grid, read from the file that `esm-coupler inspect CHECKPOINT --grid FILE` wrote.
  use, intrinsic :: iso_fortran_env, only: error_unit, wp => real64
  use mpi, only: MPI_Abort, MPI_COMM_WORLD
  use netcdf
  implicit none
  private
  public :: wp, grid_t, read_grid, check_nc, fail

  type :: grid_t
    integer :: nx = 0, ny = 0
    logical, allocatable :: ocean(:, :)
    real(wp), allocatable :: lat(:, :), lon(:, :)   !! cell centres [degrees]
    real(wp), allocatable :: cell_area(:, :)        !! [m2]
  end type grid_t

contains

  function read_grid(path) result(grid)
    !! Every rank reads the file: it is small, and each needs metrics and mask beyond its blocks.
    character(len=*), intent(in) :: path
    type(grid_t) :: grid
    integer :: file, dimension_id

    call check_nc(nf90_open(path, NF90_NOWRITE, file), 'grid file '//path)
    call check_nc(nf90_inq_dimid(file, 'x', dimension_id), 'dimension x of '//path)
    call check_nc(nf90_inquire_dimension(file, dimension_id, len=grid%nx), 'x of '//path)
    call check_nc(nf90_inq_dimid(file, 'y', dimension_id), 'dimension y of '//path)
    call check_nc(nf90_inquire_dimension(file, dimension_id, len=grid%ny), 'y of '//path)
    grid%lat = variable('lat')
    grid%lon = variable('lon')
    grid%cell_area = variable('cell_area')
    grid%ocean = variable('mask') > 0.5_wp
    call check_nc(nf90_close(file), path)

  contains

    function variable(name) result(values)
      character(len=*), intent(in) :: name
      real(wp) :: values(grid%nx, grid%ny)
      integer :: id
      call check_nc(nf90_inq_varid(file, name, id), 'variable '//name//' of '//path)
      call check_nc(nf90_get_var(file, id, values), 'variable '//name//' of '//path)
    end function variable

  end function read_grid

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

end module host_grid
