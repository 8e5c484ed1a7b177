module host_forcing
  !! Air temperature and wind for an emulator, daily means from a file, and the days of a calendar.
  use netcdf
  use host_domain, only: wp, check_nc, read_fields
  implicit none

  character(len=3), parameter :: forcing_names(3) = ['tas', 'uas', 'vas']   ! [K, m s-1, m s-1]
  real(wp), allocatable, target :: forcing(:, :, :, :)   !! (nx_block, ny_block, n_blocks, name)

contains

  subroutine read_forcing(path, date)
    !! This rank's part of the fields of a day, whose record is found by the time of the file.
    character(len=*), intent(in) :: path
    integer, intent(in) :: date   !! yyyymmdd
    character(len=64) :: units
    integer :: file, id, day, start(3), record
    call check_nc(nf90_open(path, NF90_NOWRITE, file), 'forcing '//path)
    call check_nc(nf90_inq_varid(file, 'time', id), 'time of '//path)
    call check_nc(nf90_get_att(file, id, 'units', units), 'units of time of '//path)
    read (units, '(11x, i4, 1x, i2, 1x, i2)') start   ! days since yyyy-mm-dd
    do record = 1, huge(record)
      call check_nc(nf90_get_var(file, id, day, [record]), 'the days of '//path//' end before')
      if (date_after(dot_product(start, [10000, 100, 1]), day) == date) exit
    end do
    call check_nc(nf90_close(file), path)
    call read_fields(path, forcing_names, forcing, record)
  end subroutine read_forcing

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

end module host_forcing
