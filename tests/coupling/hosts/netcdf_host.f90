!> A host that has NetCDF of its own: it generates a state, and writes and reads it with netcdff.
!! Usage: netcdf_host NAMELIST NX NY FILE
program netcdf_host
  use, intrinsic :: iso_fortran_env, only: real64
  use mpi
  use netcdf
  use esm_coupler, only: coupler_t
  implicit none
  type(coupler_t) :: coupler
  real(real64), allocatable, target :: sic(:,:)
  real(real64), allocatable :: again(:,:)
  character(len=512) :: namelist, path, word
  integer :: nx, ny, ierr, status, file, dims(2), variable

  call get_command_argument(1, namelist)
  call get_command_argument(2, word)
  read(word, *) nx
  call get_command_argument(3, word)
  read(word, *) ny
  call get_command_argument(4, path)
  allocate(sic(nx, ny), again(nx, ny))

  call MPI_Init(ierr)
  call coupler%start(MPI_COMM_WORLD, trim(namelist), status)
  call check(status)
  call coupler%set_domain(nx, ny, [1], [1], [nx], [ny], 0, status)
  call check(status)
  call coupler%bind('sic', sic, status)
  call check(status)
  call coupler%generate(member=1, date=20180301, status=status)
  call check(status)

  call check(nf90_create(trim(path), NF90_NETCDF4, file))
  call check(nf90_def_dim(file, 'x', nx, dims(1)))
  call check(nf90_def_dim(file, 'y', ny, dims(2)))
  call check(nf90_def_var(file, 'sic', NF90_DOUBLE, dims, variable))
  call check(nf90_enddef(file))
  call check(nf90_put_var(file, variable, sic))
  call check(nf90_close(file))

  call coupler%generate(member=1, date=20180301, status=status)
  call check(status)
  call check(nf90_open(trim(path), NF90_NOWRITE, file))
  call check(nf90_get_var(file, variable, again))
  call check(nf90_close(file))
  if (any(again /= sic)) call check(99)
  call coupler%stop(status)
  call check(status)
  call MPI_Finalize(ierr)

contains

  subroutine check(number)
    integer, intent(in) :: number
    if (number == 0) return
    write(*, *) 'netcdf_host:', number, coupler%message()
    call MPI_Abort(MPI_COMM_WORLD, 1, ierr)
  end subroutine check
end program netcdf_host
