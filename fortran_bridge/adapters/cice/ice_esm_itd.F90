!=======================================================================
!
! Thickness categories of one column from its totals: concentration, ice
! and snow volume. The categories that are there keep their thickness and
! get other areas; where no mixture of them has the mean thickness, or
! there are none, a gamma distribution takes their place. Area and volume
! are conserved to round-off and each category is inside its bounds.
!
! The same as esm_coupler/hosts/itd.py, which says more; a test holds them
! against each other.

      module ice_esm_itd

      use ice_kinds_mod
      use ice_constants, only: c0, c1, c2, p5

      implicit none
      private
      public :: esm_categories, esm_total

      real (kind=dbl_kind), parameter :: &
         min_area   = 1.e-6_dbl_kind , & ! of a category; less is merged into the others
         min_volume = 1.e-5_dbl_kind , & ! of a category (m)
         margin     = 1.e-9_dbl_kind , & ! relative distance of a thickness from its bounds
         max_hi     = 20._dbl_kind   , & ! mean ice thickness (m)
         max_hs_hi  = 0.33_dbl_kind  , & ! snow per ice: (rhow-rhoi)/rhos
         full       = c1 - 1.e-15_dbl_kind, & ! no order of summation exceeds 1
         steepest   = 30._dbl_kind       ! exponent of the largest change of an area

!=======================================================================

      contains

!=======================================================================

! The categories of a column, changed so that they have the given totals.
! A column that has them already comes back to the bit.

      subroutine esm_categories (hin_max, sic, sit, snt, aicen, vicen, vsnon)

      real (kind=dbl_kind), dimension(0:), intent(in) :: &
         hin_max   ! category limits (m)

      real (kind=dbl_kind), intent(in) :: &
         sic   , & ! concentration of ice
         sit   , & ! volume of ice per cell area  (m)
         snt       ! volume of snow per cell area (m)

      real (kind=dbl_kind), dimension(:), intent(inout) :: &
         aicen , & ! concentration of ice
         vicen , & ! volume of ice per cell area  (m)
         vsnon     ! volume of snow per cell area (m)

      ! local variables

      real (kind=dbl_kind), dimension(size(aicen)) :: &
         hi    , & ! ice thickness before (m)
         hs        ! snow depth before    (m)

      real (kind=dbl_kind) :: thickest ! ice of the last category before (m)

      logical (kind=log_kind) :: changed, good

      hi = ratio(vicen, aicen)
      hs = ratio(vsnon, aicen)
      thickest = hi(size(hi))
      changed = sic /= esm_total(aicen) .or. sit /= esm_total(vicen)

      if (changed .and. (sic < min_area .or. sit < min_volume)) then
         aicen = c0
         vicen = c0
      elseif (changed) then
         call settle(hin_max, sic, sit, thickest, aicen, hi, vicen, good)
         if (.not. good) then
            call gamma_categories(hin_max, sic, sit/sic, aicen, hi)
            call settle(hin_max, sic, sit, thickest, aicen, hi, vicen, good)
         endif
         if (.not. good) then
            call one_category(hin_max, sic, sit/sic, aicen, hi)
            call settle(hin_max, sic, sit, thickest, aicen, hi, vicen, good)
         endif
      endif

      if (changed .or. snt /= esm_total(vsnon)) &
         call spread_snow(aicen, vicen, snt, hs, vsnon)

      end subroutine esm_categories

!=======================================================================

! Area and thickness with the totals sic and sit, inside the bounds and
! without remnants, and whether that could be reached.

      subroutine settle (hin_max, sic, sit, thickest, area, hi, volume, good)

      real (kind=dbl_kind), dimension(0:), intent(in) :: hin_max

      real (kind=dbl_kind), intent(in) :: &
         sic, sit, & ! totals
         thickest    ! ice of the last category before (m)

      real (kind=dbl_kind), dimension(:), intent(inout) :: &
         area    , & ! of the categories
         hi          ! their thickness (m)

      real (kind=dbl_kind), dimension(:), intent(out) :: &
         volume      ! of the categories (m)

      logical (kind=log_kind), intent(out) :: good

      ! local variables

      real (kind=dbl_kind), dimension(size(area)) :: low, high

      logical (kind=log_kind), dimension(size(area)) :: thin

      integer (kind=int_kind) :: ncat, round

      ncat = size(area)
      low  = hin_max(0:ncat-1) * (c1 + margin)
      high = hin_max(1:ncat)   * (c1 - margin)
      ! the open end of the last category is not far from the ice that there is
      high(ncat) = min(high(ncat), max(max_hi, 1.01_dbl_kind * max(sit/sic, thickest)))
      hi = max(low, min(high, hi))

      do round = 1, ncat+1  ! each merges the thinnest category, or is the last
         call tilt(area, hi, sit/sic)
         area = area * ratio(min(sic, full), esm_total(area))
         call move(area, hi, sit, low, high)
         volume = area * hi
         thin = area > c0 .and. (area   < (c1 - margin)*min_area .or. &
                                 volume < (c1 - margin)*min_volume)
         if (.not. any(thin)) exit
         if (round > ncat) exit
         where (thin .and. volume <= minval(volume, mask=thin)) area = c0
      enddo

      ! one part in 1e9 of a remnant is what a lone category on a bound has to give
      good = esm_total(area) > c0 .and. .not. any(thin) .and. &
             abs(esm_total(volume) - sit) <= 1.e-13_dbl_kind + 1.e-14_dbl_kind*sit

      end subroutine settle

!=======================================================================

! Areas times exp(b h), with b such that the mean thickness is hbar, if any does.

      subroutine tilt (area, hi, hbar)

      real (kind=dbl_kind), dimension(:), intent(inout) :: area
      real (kind=dbl_kind), dimension(:), intent(in)    :: hi
      real (kind=dbl_kind),               intent(in)    :: hbar

      ! local variables

      real (kind=dbl_kind), dimension(size(area)) :: distance
      real (kind=dbl_kind) :: low, high, b
      integer (kind=int_kind) :: n

      distance = merge(hi - hbar, c0, area > c0)
      high = ratio(steepest, maxval(abs(distance)))
      low  = -high
      do n = 1, 60  ! bisection, to round-off
         b = p5 * (low + high)
         if (esm_total(area * distance * exp(b * distance)) > c0) then
            high = b
         else
            low = b
         endif
      enddo
      area = area * exp(p5 * (low + high) * distance)

      end subroutine tilt

!=======================================================================

! Thicknesses moved towards a bound, all by the same share, until the volume is sit.

      subroutine move (area, hi, sit, low, high)

      real (kind=dbl_kind), dimension(:), intent(in)    :: area, low, high
      real (kind=dbl_kind), dimension(:), intent(inout) :: hi
      real (kind=dbl_kind),               intent(in)    :: sit

      ! local variables

      real (kind=dbl_kind), dimension(size(area)) :: towards
      real (kind=dbl_kind) :: missing

      missing = sit - esm_total(area * hi)
      towards = merge(high, low, missing > c0)
      hi = hi + min(ratio(abs(missing), esm_total(area * abs(towards - hi))), c1) &
              * (towards - hi)

      end subroutine move

!=======================================================================

! The area density 4 A/H^2 x exp(-2 x/H) of area A and mean thickness H between the limits.

      subroutine gamma_categories (hin_max, sic, hbar, area, hi)

      real (kind=dbl_kind), dimension(0:), intent(in)  :: hin_max
      real (kind=dbl_kind),                intent(in)  :: sic, hbar
      real (kind=dbl_kind), dimension(:),  intent(out) :: area, hi

      ! local variables

      real (kind=dbl_kind), dimension(0:size(area)) :: x, decay
      integer (kind=int_kind) :: ncat

      ncat  = size(area)
      x     = hin_max(0:ncat) / hbar
      decay = exp(-c2*x)
      x     = c2*x
      area  = sic * ((c1 + x(0:ncat-1))*decay(0:ncat-1) - (c1 + x(1:ncat))*decay(1:ncat))
      decay = (c1 + x + p5*x**2) * decay
      hi    = ratio(sic * hbar * (decay(0:ncat-1) - decay(1:ncat)), area)

      end subroutine gamma_categories

!=======================================================================

! All ice in the category of the mean thickness.

      subroutine one_category (hin_max, sic, hbar, area, hi)

      real (kind=dbl_kind), dimension(0:), intent(in)  :: hin_max
      real (kind=dbl_kind),                intent(in)  :: sic, hbar
      real (kind=dbl_kind), dimension(:),  intent(out) :: area, hi

      ! local variables

      integer (kind=int_kind) :: n

      area = c0
      hi   = c0
      n = count(hin_max(1:size(area)-1) <= hbar) + 1
      area(n) = sic
      hi(n)   = hbar

      end subroutine one_category

!=======================================================================

! Snow as deep as before, or like the ice where that would flood a category or there was none.

      subroutine spread_snow (aicen, vicen, snt, hs, vsnon)

      real (kind=dbl_kind), dimension(:), intent(in)  :: aicen, vicen, hs
      real (kind=dbl_kind),               intent(in)  :: snt
      real (kind=dbl_kind), dimension(:), intent(out) :: vsnon

      ! local variables

      real (kind=dbl_kind) :: total

      vsnon = aicen * hs
      total = esm_total(vsnon)
      vsnon = vsnon * ratio(snt, total)
      if (total == c0 .or. any(vsnon > max_hs_hi * vicen)) &
         vsnon = vicen * ratio(snt, esm_total(vicen))

      end subroutine spread_snow

!=======================================================================

! Sum in the order of Icepack's own loop over categories, so that the bits are the same.

      pure function esm_total (values) result(total)

      real (kind=dbl_kind), dimension(:), intent(in) :: values
      real (kind=dbl_kind) :: total
      integer (kind=int_kind) :: n

      total = c0
      do n = 1, size(values)
         total = total + values(n)
      enddo

      end function esm_total

!=======================================================================

! part / whole, 0 where whole is 0.

      elemental function ratio (part, whole)

      real (kind=dbl_kind), intent(in) :: part, whole
      real (kind=dbl_kind) :: ratio

      ratio = c0
      if (whole > c0) ratio = part / whole

      end function ratio

!=======================================================================

      end module ice_esm_itd

!=======================================================================
