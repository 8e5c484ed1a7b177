module host_output
  !! The ensemble as CF NetCDF, by the first rank: member by member under a temporary name, which
  !! becomes the final one when the file is whole.
  use, intrinsic :: iso_c_binding, only: c_char, c_int, c_null_char
  use netcdf
  use host_grid, only: wp, grid_t, check_nc, fail
  use host_physics, only: names
  implicit none
  private
  public :: create, put, finish

  character(len=*), parameter :: units(5) = [character(len=8) :: '1', 'm', 'm', 'm s-1', 'm s-1']
  character(len=*), parameter :: standard_names(5) = [character(len=24) :: &
    'sea_ice_area_fraction', 'sea_ice_thickness', 'surface_snow_thickness', &
    'sea_ice_x_velocity', 'sea_ice_y_velocity']
  character(len=*), parameter :: long_names(5) = [character(len=48) :: &
    'sea-ice area fraction', 'sea-ice volume per grid-cell area', &
    'snow volume on sea ice per grid-cell area', 'sea-ice drift along grid x', &
    'sea-ice drift along grid y']
  character(len=*), parameter :: cell_methods(5) = [character(len=24) :: 'area: mean', &
    'area: mean', 'area: mean', 'area: mean where sea_ice', 'area: mean where sea_ice']

  interface
    function c_rename(old, new) bind(c, name='rename') result(failed)
      import :: c_char, c_int
      character(kind=c_char), intent(in) :: old(*), new(*)
      integer(c_int) :: failed
    end function c_rename
  end interface

contains

  subroutine create(file, path, grid, members, date, n_days)
    integer, intent(out) :: file
    character(len=*), intent(in) :: path
    type(grid_t), intent(in) :: grid
    integer, intent(in) :: members(:), date, n_days   !! numbers; yyyymmdd of the start; length
    character(len=21) :: since
    integer :: dims(3), f

    write (since, '("days since ", i4.4, 2("-", i2.2))') &
      date/10000, mod(date/100, 100), mod(date, 100)
    call check_nc(nf90_create(path//'.part', NF90_64BIT_OFFSET, file), path)
    call check_nc(nf90_def_dim(file, 'x', grid%nx, dims(1)), 'x')
    call check_nc(nf90_def_dim(file, 'y', grid%ny, dims(2)), 'y')
    call check_nc(nf90_def_dim(file, 'realization', size(members), dims(3)), 'realization')
    call describe(file, NF90_GLOBAL, 'Conventions', 'CF-1.11')
    call describe(file, NF90_GLOBAL, 'title', 'Sea ice integrated from generated states')
    call describe(file, NF90_GLOBAL, 'source', 'reference host of esm_coupler')
    call define(file, 'realization', dims(3:), '1', 'realization', 'ensemble member')
    call define(file, 'time', dims(:0), since, 'time', 'final day')
    call define(file, 'time_start', dims(:0), since, 'time', 'first day')
    call define(file, 'lat', dims(:2), 'degrees_north', 'latitude', 'latitude')
    call define(file, 'lon', dims(:2), 'degrees_east', 'longitude', 'longitude')
    call define(file, 'cell_area', dims(:2), 'm2', 'cell_area', 'area of grid cells')
    call define(file, 'mask', dims(:2), '1', 'sea_binary_mask', '1 ocean, 0 land')
    do f = 1, size(names)
      call define(file, names(f), dims, units(f), standard_names(f), long_names(f), &
                  cell_methods(f), 'lat lon time')
      call define(file, names(f)//'_start', dims, units(f), standard_names(f), &
                  trim(long_names(f))//', as generated', cell_methods(f), 'lat lon time_start')
    end do
    call check_nc(nf90_enddef(file), path)
    call put(file, 'realization', real(members, wp), [size(members)])
    call put(file, 'time', [real(n_days, wp)], [1])
    call put(file, 'time_start', [0.0_wp], [1])
    call put(file, 'lat', pack(grid%lat, .true.), [grid%nx, grid%ny])
    call put(file, 'lon', pack(grid%lon, .true.), [grid%nx, grid%ny])
    call put(file, 'cell_area', pack(grid%cell_area, .true.), [grid%nx, grid%ny])
    call put(file, 'mask', pack(merge(1.0_wp, 0.0_wp, grid%ocean), .true.), [grid%nx, grid%ny])
  end subroutine create

  subroutine define(file, name, dims, unit, standard_name, long_name, methods, coordinates)
    integer, intent(in) :: file, dims(:)
    character(len=*), intent(in) :: name, unit, standard_name, long_name
    character(len=*), intent(in), optional :: methods, coordinates
    integer :: id, kind
    kind = merge(NF90_DOUBLE, NF90_INT, present(methods) .or. unit /= '1')
    call check_nc(nf90_def_var(file, name, kind, dims, id), name)
    call describe(file, id, 'units', unit)
    call describe(file, id, 'standard_name', standard_name)
    call describe(file, id, 'long_name', long_name)
    if (present(methods)) call describe(file, id, 'cell_methods', methods)
    if (present(methods)) call describe(file, id, 'cell_measures', 'area: cell_area')
    if (present(coordinates)) call describe(file, id, 'coordinates', coordinates)
  end subroutine define

  subroutine describe(file, id, attribute, text)
    integer, intent(in) :: file, id
    character(len=*), intent(in) :: attribute, text
    call check_nc(nf90_put_att(file, id, attribute, trim(text)), attribute)
  end subroutine describe

  subroutine put(file, name, values, extents, member)
    !! values in Fortran order, of these extents; `member`: its position along realization.
    integer, intent(in) :: file, extents(:)
    character(len=*), intent(in) :: name
    real(wp), intent(in) :: values(:)
    integer, intent(in), optional :: member
    integer :: id
    call check_nc(nf90_inq_varid(file, name, id), name)
    if (present(member)) then
      call check_nc(nf90_put_var(file, id, values, [1, 1, member], [extents, 1]), name)
    else
      call check_nc(nf90_put_var(file, id, values, count=extents), name)
    end if
  end subroutine put

  subroutine finish(file, path, fallbacks)
    integer, intent(in) :: file
    character(len=*), intent(in) :: path
    integer, intent(in) :: fallbacks   !! states that were replaced because none could be made
    call check_nc(nf90_redef(file), path)
    call check_nc(nf90_put_att(file, NF90_GLOBAL, 'fallbacks', fallbacks), 'fallbacks')
    call check_nc(nf90_enddef(file), path)
    call check_nc(nf90_close(file), path)
    if (c_rename(path//'.part'//c_null_char, path//c_null_char) /= 0) &
      call fail('could not rename '//path//'.part to '//path)
  end subroutine finish

end module host_output
