! The smallest Fortran host: one rank, one block, one field that is looped back.
program host
  use mpi_f08
  use esm_coupler, only: coupler_t
  implicit none
  type(coupler_t) :: coupler
  real, target :: sic(6, 4) = 0.25
  character(len=256) :: namelist
  integer :: status
  call get_command_argument(1, namelist)
  call MPI_Init()
  call coupler%start(MPI_COMM_WORLD, namelist, status)
  print '("status ", i0, " ", a)', status, coupler%message()
  call coupler%set_domain(6, 4, [1], [1], [6], [4], 0, status)
  call coupler%bind('sic', sic, status)
  call coupler%generate(1, 20180301, status)
  print '("status ", i0, " sic ", f4.2)', status, sic(6, 4)
  call coupler%stop(status)
  call MPI_Finalize()
end program host
