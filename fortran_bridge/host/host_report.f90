module host_report
  !! The tables on the terminal. Sums are taken on the first rank in the order of the global grid,
  !! so that they do not depend on the blocks.
  use, intrinsic :: iso_fortran_env, only: output_unit
  use host_grid, only: wp, grid_t, fail
  use host_domain, only: domain_t
  use host_physics, only: ice_t, sic, sit, snt, siu, siv, ridged
  implicit none
  private
  public :: print_head, print_call, print_budget, cells_out_of_bounds

contains

  subroutine print_head()
    print '(a)', &
      'member      date  call        extent    volume  cells out of bounds  seconds', &
      '                            10^6 km2  10^3 km3     before     after'
  end subroutine print_head

  subroutine print_call(name, member, date, ice, grid, domain, before, seconds)
    !! The state that a call of the coupler gave; before: what it had to put right, in cells.
    character(len=*), intent(in) :: name
    integer, intent(in) :: member, date
    type(ice_t), intent(in) :: ice
    type(grid_t), intent(in) :: grid
    type(domain_t), intent(in) :: domain
    real(wp), intent(in) :: before, seconds
    real(wp) :: extent, volume
    integer :: after

    extent = total(grid, domain, merge(1.0_wp, 0.0_wp, ice%state(:, :, :, sic) > 0.15_wp))
    volume = total(grid, domain, ice%state(:, :, :, sit))
    after = cells_out_of_bounds(ice, domain)
    if (domain%rank == 0) print '(i6, i10, 2x, a8, 2f10.3, i11, i10, f9.2)', &
      member, date, name, extent/1e12_wp, volume/1e12_wp, nint(before), after, seconds
    flush (output_unit)   ! a member at a time, also into a pipe
  end subroutine print_call

  subroutine print_budget(ice, grid, domain)
    !! Area and volumes now, less those at the start, less what growth, melt and ridging made:
    !! what is left must be round-off, or the advection has lost ice.
    type(ice_t), intent(in) :: ice
    type(grid_t), intent(in) :: grid
    type(domain_t), intent(in) :: domain
    character(len=11), parameter :: what(3) = ['ice area   ', 'ice volume ', 'snow volume']
    real(wp) :: first, last, grown, ridges, residual
    integer :: f

    do f = sic, snt
      ridges = 0
      if (f == sic) ridges = total(grid, domain, ice%changed(:, :, :, ridged))
      first = total(grid, domain, ice%start(:, :, :, f))
      last = total(grid, domain, ice%state(:, :, :, f))
      grown = total(grid, domain, ice%changed(:, :, :, f))
      residual = (last - first - grown - ridges)/max(first, 1.0_wp)
      if (domain%rank /= 0) cycle
      print '(18x, 2a, f8.3, a, f8.3, a, es8.1)', what(f), '  grown', grown/1e12_wp, &
        '  ridged', ridges/1e12_wp, '  residual ', residual
      if (.not. abs(residual) < 1e-10_wp) call fail('the budget of '//trim(what(f))//' is not closed')
    end do
  end subroutine print_budget

  real(wp) function total(grid, domain, field)
    !! Area integral, right on the first rank only.
    type(grid_t), intent(in) :: grid
    type(domain_t), intent(in) :: domain
    real(wp), intent(in) :: field(:, :, :)
    total = sum(domain%gather(field)*pack(grid%cell_area, .true.))
  end function total

  integer function cells_out_of_bounds(ice, domain)
    !! Counted by the host itself, to be held against what the coupler says.
    type(ice_t), intent(in) :: ice
    type(domain_t), intent(in) :: domain
    real(wp), dimension(domain%nx_block, domain%ny_block, domain%n_blocks) :: bad
    associate (c => ice%state(:, :, :, sic), h => ice%state(:, :, :, sit), &
               s => ice%state(:, :, :, snt), drift => ice%state(:, :, :, siu:siv))
      bad = merge(0.0_wp, 1.0_wp, c >= 0 .and. c <= 1 .and. h >= 0 .and. h <= 20*c .and. s >= 0 &
                  .and. s <= 0.330_wp*h .and. (c > 0 .eqv. h > 0) .and. all(abs(drift) <= 2, 4))
    end associate
    cells_out_of_bounds = nint(sum(domain%gather(bad)))
  end function cells_out_of_bounds

end module host_report
