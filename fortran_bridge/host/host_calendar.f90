module host_calendar
  !! Dates as the coupler takes them: yyyymmdd, Gregorian.
  implicit none
  private
  public :: date_after, day_of_year

contains

  pure recursive integer function date_after(date, days) result(later)
    integer, intent(in) :: date, days
    integer :: year, month
    year = date/10000
    month = mod(date/100, 100)
    later = date + days
    if (mod(date, 100) + days <= days_in(year, month)) return
    later = 100*(date/100) + 101                       ! first of the next month
    if (month == 12) later = 10000*(year + 1) + 101
    later = date_after(later, days + mod(date, 100) - days_in(year, month) - 1)
  end function date_after

  pure integer function day_of_year(date)
    integer, intent(in) :: date
    integer :: month
    day_of_year = mod(date, 100) &
      + sum([(days_in(date/10000, month), month=1, mod(date/100, 100) - 1)])
  end function day_of_year

  pure integer function days_in(year, month)
    integer, intent(in) :: year, month
    integer, parameter :: days(12) = [31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31]
    days_in = days(month)
    if (month == 2 .and. mod(year, 4) == 0 .and. (mod(year, 100) /= 0 .or. mod(year, 400) == 0)) &
      days_in = 29
  end function days_in

end module host_calendar
