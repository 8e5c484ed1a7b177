module host_output
  !! What comes out, by the first rank: tables on the terminal, and the ensemble as CF NetCDF,
  !! member by member under a temporary name, which becomes the final one when the file is whole,
  !! and on the disk.
  use, intrinsic :: iso_fortran_env, only: output_unit
  use netcdf
  use host_domain, only: wp, rank, nx_global, ny_global, lat, lon, cell_area, mask, whole, &
    check_nc, fail
  use host_physics, only: names, state, start, made, sic, sit, snt, siu, siv
  implicit none

  character(len=5), parameter :: units(5) = ['1    ', 'm    ', 'm    ', 'm s-1', 'm s-1']
  character(len=22), parameter :: standard_names(5) = [character(22) :: 'sea_ice_area_fraction', &
    'sea_ice_thickness', 'surface_snow_thickness', 'sea_ice_x_velocity', 'sea_ice_y_velocity']
  character(len=256) :: output_file = 'ensemble.nc'   !! of &host_nml
  integer, private :: file, hashes, first   !! variable, member

  interface
    integer function c_open(path, flags) bind(c, name='open')
      character, intent(in) :: path(*)   !! ends with a null
      integer, value :: flags            !! 0: to read
    end function c_open
    integer function c_fsync(descriptor) bind(c, name='fsync')
      integer, value :: descriptor
    end function c_fsync
    integer function c_rename(old, new) bind(c, name='rename')
      character, intent(in) :: old(*), new(*)   !! each ends with a null
    end function c_rename
  end interface

contains

  subroutine create(first_member, members, date, n_days, provenance)
    character(len=*), intent(in) :: provenance   !! what the bits depend on
    integer, intent(in) :: first_member, members, date, n_days   !! date: yyyymmdd of the start
    character(len=10) :: day
    integer :: dims(3), f, letters

    first = first_member
    write (day, '(i4.4, 2("-", i2.2))') date/10000, mod(date/100, 100), mod(date, 100)
    call check_nc(nf90_create(trim(output_file)//'.part', NF90_NETCDF4, file), output_file)
    call check_nc(nf90_put_att(file, NF90_GLOBAL, 'Conventions', 'CF-1.11'), output_file)
    call check_nc(nf90_put_att(file, NF90_GLOBAL, 'provenance', provenance), output_file)
    call check_nc(nf90_def_dim(file, 'x', nx_global, dims(1)), 'x')
    call check_nc(nf90_def_dim(file, 'y', ny_global, dims(2)), 'y')
    call check_nc(nf90_def_dim(file, 'realization', members, dims(3)), 'realization')
    call define('realization', dims(3:), '1', 'realization', &
                spread([(real(first + f, wp), f=0, members - 1)], 2, 1))
    call define('time', dims(:0), 'days since '//day, 'time', spread([real(n_days, wp)], 2, 1))
    call define('time_start', dims(:0), 'days since '//day, 'time', spread([0.0_wp], 2, 1))
    call define('lat', dims(:2), 'degrees_north', 'latitude', lat)
    call define('lon', dims(:2), 'degrees_east', 'longitude', lon)
    call define('cell_area', dims(:2), 'm2', 'cell_area', cell_area)
    call define('mask', dims(:2), '1', 'sea_binary_mask', mask)
    do f = 1, size(names)
      call define(names(f), dims, units(f), standard_names(f))
      call define(names(f)//'_start', dims, units(f), standard_names(f))
    end do
    call check_nc(nf90_def_dim(file, 'letters', 64, letters), 'letters')
    call check_nc(nf90_def_var(file, 'sha256', NF90_CHAR, [letters, dims(3)], hashes), 'sha256')
    print '(a)', 'member      date  call        extent    volume  cells out of bounds  seconds', &
      '                            10^6 km2  10^3 km3     before     after'
  end subroutine create

  subroutine define(name, dims, unit, standard_name, values)
    !! A variable with its values, or a field of the ice, in all dimensions, to be written later.
    character(len=*), intent(in) :: name, unit, standard_name
    integer, intent(in) :: dims(:)
    real(wp), intent(in), optional :: values(:, :)
    integer :: id
    call check_nc(nf90_def_var(file, name, NF90_DOUBLE, dims, id), name)
    call check_nc(nf90_put_att(file, id, 'units', trim(unit)), name)
    call check_nc(nf90_put_att(file, id, 'standard_name', trim(standard_name)), name)
    if (present(values)) call check_nc(nf90_put_var(file, id, values), output_file)
    if (size(dims) < 3) return
    call check_nc(nf90_put_att(file, id, 'cell_measures', 'area: cell_area'), name)
    call check_nc(nf90_put_att(file, id, 'coordinates', 'lat lon time'//name(4:)), name)
    call check_nc(nf90_put_att(file, id, 'cell_methods', trim( &
      'area: mean'//merge(' where sea_ice', '              ', unit == 'm s-1'))), name)
  end subroutine define

  subroutine finish(fallbacks)
    integer, intent(in) :: fallbacks   !! states that were replaced because none could be made
    call check_nc(nf90_put_att(file, NF90_GLOBAL, 'fallbacks', fallbacks), output_file)
    call check_nc(nf90_close(file), output_file)
    associate (path => trim(output_file)//achar(0), part => trim(output_file)//'.part'//achar(0))
      if (c_fsync(c_open(part, 0)) /= 0) call fail('could not write '//trim(output_file))
      if (c_rename(part, path) /= 0) call fail('could not rename to '//trim(output_file))
    end associate
  end subroutine finish

  subroutine report(call_name, suffix, member, date, before, seconds, sha256)
    !! The state that a call of the coupler gave, to table and file; before: what it had to put
    !! right, in cells; suffix: of the names in the file; sha256: of a generated state, or empty.
    character(len=*), intent(in) :: call_name, suffix, sha256
    integer, intent(in) :: member, date
    real(wp), intent(in) :: before, seconds
    real(wp) :: extent, volume, after, field(nx_global, ny_global)
    integer :: f, id
    extent = total(merge(1.0_wp, 0.0_wp, sic > 0.15_wp))
    volume = total(sit)
    after = sum(whole(merge(0.0_wp, 1.0_wp, sic >= 0 .and. sic <= 1 .and. sit >= 0 .and. &
      sit <= 20*sic .and. (sic > 0 .eqv. sit > 0) .and. snt >= 0 .and. snt <= 0.330_wp*sit .and. &
      max(abs(siu), abs(siv)) <= 2)))   ! to be held against what the coupler says
    if (rank == 0) print '(i6, i10, 2x, a8, 2f10.3, i11, i10, f9.2)', &
      member, date, call_name, extent/1e12_wp, volume/1e12_wp, nint(before), nint(after), seconds
    flush (output_unit)   ! a member at a time, also into a pipe
    do f = 1, size(names)
      field = whole(state(:, :, :, f))
      if (rank /= 0) cycle
      call check_nc(nf90_inq_varid(file, names(f)//suffix, id), names(f))
      call check_nc(nf90_put_var(file, id, field, [1, 1, member - first + 1]), output_file)
    end do
    if (rank == 0 .and. sha256 /= '') &
      call check_nc(nf90_put_var(file, hashes, sha256, [1, member - first + 1]), output_file)
  end subroutine report

  subroutine report_budget()
    !! Area and volumes now, less those at the start, less what growth, melt and ridging made: what
    !! is left must be round-off, or the advection has lost ice.
    real(wp) :: before, change, residual
    integer :: f
    do f = 1, 3
      before = total(start(:, :, :, f))
      change = total(made(:, :, :, f))
      residual = (total(state(:, :, :, f)) - before - change)/max(before, 1.0_wp)
      if (rank == 0) print '(18x, 2a, f8.3, a, es8.1)', &
        names(f), '  grown, melted or ridged', change/1e12_wp, '  residual ', residual
      if (.not. abs(residual) < 1e-10_wp) call fail('the budget of '//names(f)//' is not closed')
    end do
  end subroutine report_budget

  real(wp) function total(field)
    !! Area integral, summed in the order of the global grid: the blocks do not matter.
    real(wp), intent(in) :: field(:, :, :)
    total = sum(whole(field)*cell_area)
  end function total

end module host_output
