! A host that is linked with the stub on a machine without MPI: every call, and its status.
program stub_host
  use esm_coupler
  implicit none
  type(coupler_t) :: coupler
  real, target :: sic(6, 4) = 0.25
  real(8) :: number
  integer :: status(10)
  call coupler%start(0, 'some.nml', status(1))
  call coupler%set_domain(6, 4, [1], [1], [6], [4], 0, status(2))
  call coupler%set_mask(sic > 0, status(3))
  call coupler%bind('sic', sic, status(4))
  call coupler%generate(1, 20180301, status(5))
  call coupler%step(20180301, 3600, status(6))
  call coupler%write_restart('coupler.restart', status(7))
  call coupler%read_restart('coupler.restart', status(8))
  call coupler%diagnostic('calls', number, status(9))
  call coupler%stop(status(10))
  print '(a, l2, f5.2)', 'all no generator:', all(status == ESM_NO_GENERATOR), maxval(sic)
  print '(a)', coupler%text('sha256')//coupler%message()
end program stub_host
