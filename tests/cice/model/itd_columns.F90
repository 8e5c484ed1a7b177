program itd_columns
  ! Columns from standard input in text, each number as 17 digits: limits, then for each column its
  ! three totals and categories; the new categories to standard output.
  use ice_esm_itd, only: esm_categories
  use ice_kinds_mod
  implicit none
  integer :: n_columns, ncat, k
  real(dbl_kind), allocatable :: hin_max(:), a(:), v(:), s(:)
  real(dbl_kind) :: sic, sit, snt
  read *, n_columns, ncat
  allocate (hin_max(0:ncat), a(ncat), v(ncat), s(ncat))
  read *, hin_max
  do k = 1, n_columns
    read *, sic, sit, snt, a, v, s
    call esm_categories(hin_max, sic, sit, snt, a, v, s)
    print '(*(es25.17e3))', a, v, s
  end do
end program itd_columns
