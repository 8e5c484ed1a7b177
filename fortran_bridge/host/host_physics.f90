module host_physics
  !! The sea ice between two calls of the coupler: free drift, upstream advection, ridging, and
  !! zero-layer thermodynamics, in expressions of whole arrays: all blocks at once.
  use host_domain, only: wp, nx_global, ny_global, n_blocks, nx_block, ny_block, lat, lon, &
    cell_area, mask, whole, local, update_halo
  implicit none

  character(len=3), parameter :: names(5) = ['sic', 'sit', 'snt', 'siu', 'siv']
  real(wp), allocatable, target :: state(:, :, :, :)                 !! what is coupled, as in names
  real(wp), pointer, dimension(:, :, :) :: sic, sit, snt, siu, siv   !! the same, one by one
  real(wp), allocatable, dimension(:, :, :, :), protected :: start, made
  !! the state that was generated; what growth, melt and ridging changed of sic, sit and snt

  real(wp), parameter :: ice_heat = 917*3.34e5_wp, snow_heat = 330*3.34e5_wp   ! to melt it [J m-3]
  real(wp), parameter :: k_ice = 2.03_wp, k_snow = 0.31_wp, to_air = 20   ! [W m-1 K-1, W m-2 K-1]
  real(wp), parameter :: cold_water = 2, warm_water = 700           ! its heat [W m-2]
  real(wp), parameter :: t_freeze = -1.8_wp, new_ice = 0.3_wp, rigid = 6   ! [deg C], thickness [m]
  real(wp), parameter :: pi = acos(-1.0_wp), least_sic = 1e-6_wp, least_sit = 1e-5_wp   ! least ice

contains

  subroutine begin()
    !! From a state that was just generated: its halo is not up to date.
    call update_halo(state)
    sic => state(:, :, :, 1)
    sit => state(:, :, :, 2)
    snt => state(:, :, :, 3)
    siu => state(:, :, :, 4)
    siv => state(:, :, :, 5)
    start = state
    made = 0*state(:, :, :, :3)
  end subroutine begin

  subroutine advance(days, date, dt, growth)
    !! A step of dt [s] that ends `days` after the start, on a day that is yyyymmdd.
    real(wp), intent(in) :: days, dt
    integer, intent(in) :: date
    logical, intent(in) :: growth
    complex(wp) :: free(nx_global, ny_global)
    real(wp) :: near(nx_block, ny_block, n_blocks), months   ! after new year
    integer :: n, n_steps
    months = mod(date/100, 100) - 1 + mod(date, 100)/31.0_wp

    ! as many steps as keep what leaves a cell below half of it
    n_steps = 1 + int(8*maxval(abs([whole(siu), whole(siv)]))*dt/sqrt(minval(cell_area)))
    do n = 1, n_steps
      call advect(dt/n_steps)
    end do
    made = made - state(:, :, :, :3)
    sic = min(sic, 1.0_wp)   ! ridging: sit is volume per cell area, so it stays
    call grow_or_melt(sic, sit, snt, merge(dt, 0.0_wp, growth), &
                      local(-16 + 0.45_wp*(90 - lat) - 17*cos(2*pi*(months - 0.65_wp)/12)), &
                      merge(warm_water, cold_water, start(:, :, :, 1) < 0.15_wp))
    made = made + state(:, :, :, :3)

    ! from the generated drift to free drift in three days, and no drift where no ice is near
    near = max(sic, eoshift(sic, 1, dim=1))
    near = max(near, eoshift(near, 1, dim=2))
    free = (1 - exp(-days/3))*free_drift(days)
    siu = merge(exp(-days/3)*start(:, :, :, 4) + local(real(free)), 0.0_wp, near > 0)
    siv = merge(exp(-days/3)*start(:, :, :, 5) + local(aimag(free)), 0.0_wp, near > 0)
  end subroutine advance

  function free_drift(days) result(drift)
    !! x + iy along the grid at north-east corners [m s-1], zero at land: 1.8 % of the geostrophic
    !! wind and 20 degrees to its right. The wind is prescribed, as if read for the whole grid:
    !! around a high over the Beaufort Sea and a low that wanders in the Barents Sea, strongest
    !! with 9 m s-1 at 9 degrees (1e6 m) from their centres.
    real(wp), intent(in) :: days
    complex(wp), dimension(nx_global, ny_global) :: drift, place
    real(wp), dimension(nx_global, ny_global) :: high, low, stream, to_x, to_y, sea
    place = (90 - lat)*exp(cmplx(0, lon*pi/180, wp))   ! seen from above the pole
    high = abs(place - 14*exp(cmplx(0, -150*pi/180, wp)))/9
    low = abs(place - 15*exp(cmplx(0, (45 + 25*sin(2*pi*days/7))*pi/180, wp)))/9
    stream = 1.5e7_wp*(exp(-0.5_wp*high**2) - exp(-0.5_wp*low**2))   ! [m2 s-1]
    to_x = eoshift(stream, 1, dim=1) - stream
    to_y = eoshift(stream, 1, dim=2) - stream
    drift = cmplx(-to_y - eoshift(to_y, 1, dim=1), to_x + eoshift(to_x, 1, dim=2), wp)
    sea = mask*eoshift(mask, 1, dim=1)
    sea = sea*eoshift(sea, 1, dim=2)/(2*sqrt(cell_area))
    drift = 0.018_wp*exp(cmplx(0, -20*pi/180, wp))*drift*sea
  end function free_drift

  subroutine advect(dt)
    !! First order upstream, in flux form: what leaves a cell enters its neighbour. The thicker the
    !! ice on the way, the less it moves: it has no other strength, and wind towards a coast would
    !! pile it up for ever.
    real(wp), intent(in) :: dt
    real(wp), dimension(nx_block, ny_block, n_blocks) :: area, east, north, f, to_east, to_north
    integer :: n
    area = max(1.0_wp, local(cell_area))   ! it divides, outside the grid too
    east = 0.5_wp*dt*sqrt(area)*(siu + eoshift(siu, -1, dim=2))    ! swept over the edge [m2]
    east = east*max(0.0_wp, 1 - merge(eoshift(sit, 1, dim=1), sit, east > 0)/rigid)
    north = 0.5_wp*dt*sqrt(area)*(siv + eoshift(siv, -1, dim=1))
    north = north*max(0.0_wp, 1 - merge(eoshift(sit, 1, dim=2), sit, north > 0)/rigid)
    do n = 1, 3
      f = state(:, :, :, n)
      to_east = max(east, 0.0_wp)*f + min(east, 0.0_wp)*eoshift(f, 1, dim=1)
      to_north = max(north, 0.0_wp)*f + min(north, 0.0_wp)*eoshift(f, 1, dim=2)
      state(:, :, :, n) = f - (to_east - eoshift(to_east, -1, dim=1) &
                               + to_north - eoshift(to_north, -1, dim=2))/area
    end do
    call update_halo(state(:, :, :, :3))
  end subroutine advect

  elemental subroutine grow_or_melt(a, h, s, dt, t_air, water)
    !! Semtner (1976), zero layers: conduction through snow and ice, or melt, snow first. Water
    !! that had no ice at the start is warm: it does not freeze, and melts what drifts in.
    real(wp), intent(inout) :: a, h, s   !! sic, sit, snt
    real(wp), intent(in) :: dt, t_air, water   !! [s], [deg C], heat from below [W m-2]
    real(wp) :: cold, frozen, energy, melted
    cold = max(t_freeze - t_air, 0.0_wp)
    frozen = (1 - a)*max(cold*to_air - water, 0.0_wp)*dt/ice_heat
    h = h + frozen + a*cold*dt/ice_heat/((h/k_ice + s/k_snow)/max(a, least_sic) + 1/to_air)
    a = min(1.0_wp, a + frozen/new_ice)
    energy = a*max(t_air, 0.0_wp)*to_air*dt                   ! [J m-2]
    melted = min(s, energy/snow_heat)
    s = s - melted
    energy = energy - melted*snow_heat + a*water*dt
    melted = min(1.0_wp, energy/ice_heat/max(h, least_sit))   ! share of the ice
    h = h*(1 - melted)
    a = a*(1 - 0.5_wp*melted)                                 ! Hibler (1979)
    s = min(s, 0.330_wp*h)                                    ! the rest is under water
    if (a >= least_sic .and. h >= least_sit) return
    a = 0
    h = 0
    s = 0
  end subroutine grow_or_melt

end module host_physics
