module host_physics
  !! The sea ice between two calls of the coupler: free drift, upstream advection, ridging, and
  !! zero-layer thermodynamics. Simple on purpose; the bookkeeping is that of a real model.
  use mpi
  use host_grid, only: wp, grid_t
  use host_domain, only: domain_t
  implicit none
  private
  public :: names, sic, sit, snt, siu, siv, ridged, ice_t, begin, advance

  character(len=3), parameter :: names(5) = ['sic', 'sit', 'snt', 'siu', 'siv']
  integer, parameter :: sic = 1, sit = 2, snt = 3, siu = 4, siv = 5, ridged = 4

  type :: ice_t
    !! Arrays (nx_block, ny_block, n_blocks[, field]) with the halo; `state` is what is coupled.
    real(wp), allocatable :: state(:, :, :, :)    !! sic, sit, snt, siu, siv
    real(wp), allocatable :: start(:, :, :, :)    !! the state that was generated
    real(wp), allocatable :: changed(:, :, :, :)  !! sic, sit, snt grown; sic ridged
    real(wp), allocatable :: area(:, :, :)        !! of cells [m2]
    real(wp), allocatable :: at_sea(:, :, :)      !! 1 at drift points, else 0
  end type ice_t

  real(wp), parameter :: pi = acos(-1.0_wp)
  real(wp), parameter :: rho_ice = 917, rho_snow = 330                    !! [kg m-3]
  real(wp), parameter :: latent_heat = 3.34e5_wp                           !! [J kg-1]
  real(wp), parameter :: k_ice = 2.03_wp, k_snow = 0.31_wp                 !! [W m-1 K-1]
  real(wp), parameter :: to_air = 20                                       !! [W m-2 K-1]
  real(wp), parameter :: cold_water = 2, warm_water = 200                  !! to the ice [W m-2]
  real(wp), parameter :: t_freeze = -1.8_wp                                !! [deg C]
  real(wp), parameter :: new_ice = 0.3_wp, rigid = 6                       !! thickness [m]
  real(wp), parameter :: most_snow = 0.329_wp                              !! over ice, by freeboard
  real(wp), parameter :: least_sic = 1e-6_wp, least_sit = 1e-5_wp          !! below: no ice

contains

  subroutine begin(ice, grid, domain)
    !! From a state that was just generated: its halo is still empty.
    type(ice_t), intent(inout) :: ice
    type(grid_t), intent(in) :: grid
    type(domain_t), intent(in) :: domain
    logical :: corner(grid%nx, grid%ny)
    integer :: f

    corner = grid%ocean .and. cshift(grid%ocean, 1, 1)
    corner = corner .and. cshift(corner, 1, 2)
    ice%area = domain%local(grid%cell_area)
    ice%at_sea = domain%local(merge(1.0_wp, 0.0_wp, corner))
    do f = sic, siv
      call domain%update_halo(ice%state(:, :, :, f))
    end do
    ice%start = ice%state
    ice%changed = 0*ice%state(:, :, :, :ridged)
  end subroutine begin

  subroutine advance(ice, grid, domain, days, day_of_year, dt, growth)
    !! One step of dt [s], `days` after the start.
    type(ice_t), intent(inout) :: ice
    type(grid_t), intent(in) :: grid
    type(domain_t), intent(in) :: domain
    real(wp), intent(in) :: days, day_of_year, dt
    logical, intent(in) :: growth
    real(wp) :: t_air(domain%nx_block, domain%ny_block, domain%n_blocks), column(3), change(4)
    integer :: i, j, b

    call drift(ice, grid, domain, days)
    call advect(ice, grid, domain, dt)
    t_air = domain%local(-16 + 0.45_wp*(90 - grid%lat) - 17*cos(2*pi*(day_of_year - 20)/365))
    do b = 1, domain%n_blocks
      do j = 2, domain%ny(b) + 1
        do i = 2, domain%nx(b) + 1
          column = ice%state(i, j, b, sic:snt)
          ! area beyond the cell's becomes thickness: sit is volume per cell area, so it stays
          change(ridged) = min(1 - column(sic), 0.0_wp)
          column(sic) = min(column(sic), 1.0_wp)
          change(sic:snt) = -column
          if (growth) &
            call grow_or_melt(column, t_air(i, j, b), ice%start(i, j, b, sic) < 0.15_wp, dt)
          call flood_and_clear(column)
          change(sic:snt) = change(sic:snt) + column
          ice%state(i, j, b, sic:snt) = column
          ice%changed(i, j, b, :) = ice%changed(i, j, b, :) + change
        end do
      end do
    end do
    call rest_without_ice(ice, domain)
  end subroutine advance

  subroutine drift(ice, grid, domain, days)
    !! From the generated drift to free drift (1.8 % of the wind, 20 degrees to its right) in
    !! three days. Every rank computes the forcing of the whole grid, as if it read it from a file:
    !! the same bits for any blocks, whatever the compiler makes of exp and cos in a loop.
    type(ice_t), intent(inout) :: ice
    type(grid_t), intent(in) :: grid
    type(domain_t), intent(in) :: domain
    real(wp), intent(in) :: days
    complex(wp) :: free(grid%nx, grid%ny)
    real(wp) :: memory

    free = 0.018_wp*exp(cmplx(0, -20*pi/180, wp))*wind(grid, days)
    memory = exp(-days/3)
    ice%state(:, :, :, siu:siv) = memory*ice%start(:, :, :, siu:siv)
    ice%state(:, :, :, siu) = ice%state(:, :, :, siu) + (1 - memory)*domain%local(real(free))
    ice%state(:, :, :, siv) = ice%state(:, :, :, siv) + (1 - memory)*domain%local(aimag(free))
    call rest_without_ice(ice, domain)
  end subroutine drift

  function wind(grid, days) result(flow)
    !! Geostrophic wind, x + iy along the grid at north-east corners [m s-1]: a high over the
    !! Beaufort Sea, a wandering low in the Barents Sea, between them the transpolar stream.
    type(grid_t), intent(in) :: grid
    real(wp), intent(in) :: days
    complex(wp), dimension(grid%nx, grid%ny) :: flow, place, along_x
    place = (90 - grid%lat)*exp(cmplx(0, grid%lon*pi/180, wp))   ! seen from above the pole
    along_x = cshift(place, 1, 1) - place
    along_x = along_x + cshift(along_x, 1, 2)
    place = place + cshift(place, 1, 1)
    place = 0.25_wp*(place + cshift(place, 1, 2))                ! of the corners
    flow = around(14.0_wp, -150.0_wp, 9 + 3*sin(2*pi*days/9)) &
      + around(15.0_wp, 45 + 25*sin(2*pi*days/7), -9 + 4*cos(2*pi*days/5))
    flow = flow*conjg(along_x)/abs(along_x)

  contains

    function around(distance, longitude, speed) result(circling)
      !! Wind around a high (speed > 0) or low, strongest 9 degrees from its centre.
      real(wp), intent(in) :: distance, longitude, speed
      complex(wp) :: circling(grid%nx, grid%ny)
      circling = (place - distance*exp(cmplx(0, longitude*pi/180, wp)))/9
      circling = (0, -1)*circling*speed*exp(0.5_wp*(1 - abs(circling)**2))
    end function around

  end function wind

  subroutine rest_without_ice(ice, domain)
    !! No drift at land, nor at a point that no ice touches. Leaves the halo of sic up to date.
    type(ice_t), intent(inout) :: ice
    type(domain_t), intent(in) :: domain
    integer :: i, j, b
    call domain%update_halo(ice%state(:, :, :, sic))
    do b = 1, domain%n_blocks
      do j = 1, domain%ny(b) + 1
        do i = 1, domain%nx(b) + 1
          if (ice%at_sea(i, j, b) < 1 .or. all(ice%state(i:i + 1, j:j + 1, b, sic) <= 0)) &
            ice%state(i, j, b, siu:siv) = 0
        end do
      end do
    end do
  end subroutine rest_without_ice

  subroutine advect(ice, grid, domain, dt)
    !! In as many steps as keep what leaves a cell below half of it.
    type(ice_t), intent(inout) :: ice
    type(grid_t), intent(in) :: grid
    type(domain_t), intent(in) :: domain
    real(wp), intent(in) :: dt
    real(wp) :: mine, fastest
    integer :: b, f, n, n_steps, ierr

    mine = 0
    do b = 1, domain%n_blocks
      mine = max(mine, maxval(abs(ice%state(2:domain%nx(b) + 1, 2:domain%ny(b) + 1, b, siu:siv))))
    end do
    call MPI_Allreduce(mine, fastest, 1, MPI_DOUBLE_PRECISION, MPI_MAX, domain%comm, ierr)
    n_steps = 1 + int(8*fastest*dt/sqrt(minval(grid%cell_area)))
    do n = 1, n_steps
      do f = sic, snt
        call domain%update_halo(ice%state(:, :, :, f))
      end do
      do b = 1, domain%n_blocks
        call upstream(ice%state(:, :, b, :), ice%area(:, :, b), dt/n_steps, &
                      domain%nx(b), domain%ny(b))
      end do
    end do
  end subroutine advect

  pure subroutine upstream(state, area, dt, nx, ny)
    !! First order, in flux form: what leaves a cell enters its neighbour.
    real(wp), intent(inout) :: state(:, :, :)
    real(wp), intent(in) :: area(:, :), dt
    integer, intent(in) :: nx, ny
    real(wp), dimension(size(area, 1), size(area, 2)) :: east, north, to_east, to_north
    integer :: i, j, f

    east = 0    ! area swept over the edges of cells [m2]
    north = 0
    do j = 2, ny + 1
      do i = 1, nx + 1
        east(i, j) = swept(dt, state(i, j, siu) + state(i, j - 1, siu), &
                           area(i, j) + area(i + 1, j), state(i, j, sit), state(i + 1, j, sit))
      end do
    end do
    do j = 1, ny + 1
      do i = 2, nx + 1
        north(i, j) = swept(dt, state(i, j, siv) + state(i - 1, j, siv), &
                            area(i, j) + area(i, j + 1), state(i, j, sit), state(i, j + 1, sit))
      end do
    end do
    do f = sic, snt
      to_east = max(east, 0.0_wp)*state(:, :, f) &
        + min(east, 0.0_wp)*eoshift(state(:, :, f), 1, dim=1)
      to_north = max(north, 0.0_wp)*state(:, :, f) &
        + min(north, 0.0_wp)*eoshift(state(:, :, f), 1, dim=2)
      state(2:nx + 1, 2:ny + 1, f) = state(2:nx + 1, 2:ny + 1, f) - ( &
        to_east(2:nx + 1, 2:ny + 1) - to_east(1:nx, 2:ny + 1) &
        + to_north(2:nx + 1, 2:ny + 1) - to_north(2:nx + 1, 1:ny))/area(2:nx + 1, 2:ny + 1)
    end do
  end subroutine upstream

  pure real(wp) function swept(dt, speeds, areas, before, behind)
    !! Area swept over an edge between two cells [m2], from the sums of the drift at its ends and
    !! of the cells' areas. The thicker the ice before or behind the edge, the less it takes in:
    !! it has no other strength, and wind towards a coast would pile it up for ever.
    real(wp), intent(in) :: dt, speeds, areas, before, behind
    swept = 0.5_wp*dt*speeds*sqrt(0.5_wp*areas)
    swept = swept*max(0.0_wp, 1 - merge(behind, before, swept > 0)/rigid)
  end function swept

  pure subroutine grow_or_melt(column, t_air, warm, dt)
    !! Semtner (1976), zero layers: conduction through snow and ice, or melt, snow first. Water
    !! that had no ice at the start is warm: it does not freeze, and melts what drifts in.
    real(wp), intent(inout) :: column(3)   !! sic, sit, snt
    real(wp), intent(in) :: t_air, dt      !! [deg C], [s]
    logical, intent(in) :: warm
    real(wp) :: cold, resistance, frozen, energy, melted

    if (column(sic) < least_sic) return
    cold = max(t_freeze - t_air, 0.0_wp)*dt/(rho_ice*latent_heat)
    resistance = (column(sit)/k_ice + column(snt)/k_snow)/column(sic) + 1/to_air
    frozen = merge(0.0_wp, (1 - column(sic))*cold*to_air, warm)
    column(sit) = column(sit) + column(sic)*cold/resistance + frozen
    column(sic) = min(1.0_wp, column(sic) + frozen/new_ice)

    energy = column(sic)*max(t_air, 0.0_wp)*to_air*dt/latent_heat      ! as mass [kg m-2]
    melted = min(column(snt), energy/rho_snow)
    column(snt) = column(snt) - melted
    energy = energy - melted*rho_snow &
      + column(sic)*dt*merge(warm_water, cold_water, warm)/latent_heat
    melted = min(1.0_wp, energy/rho_ice/column(sit))                   ! share of the ice
    column(sit) = column(sit)*(1 - melted)
    column(sic) = column(sic)*(1 - 0.5_wp*melted)                      ! Hibler (1979)
  end subroutine grow_or_melt

  pure subroutine flood_and_clear(column)
    !! Snow that presses the ice under water becomes ice; remnants of ice are removed.
    real(wp), intent(inout) :: column(3)   !! sic, sit, snt
    real(wp) :: flooded
    flooded = (column(snt) - most_snow*column(sit))/(1 + most_snow*rho_snow/rho_ice)
    flooded = max(0.0_wp, flooded)
    column(snt) = column(snt) - flooded
    column(sit) = column(sit) + flooded*rho_snow/rho_ice
    if (column(sic) < least_sic .or. column(sit) < least_sit) column = 0
  end subroutine flood_and_clear

end module host_physics
