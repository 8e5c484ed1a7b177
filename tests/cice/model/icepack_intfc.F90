! What the adapter asks of Icepack: constants, numbers of tracers, a new column, the aggregate.
module icepack_intfc
  use ice_kinds_mod
  use ice_domain_size, only: ncat, nilyr, nslyr
  implicit none
  logical :: tr_fsd = .false.   ! set by a test
  real(dbl_kind), parameter, private :: rhoi = 917, rhos = 330, cp_ice = 2106, cp_ocn = 4218, &
    Lfresh = 2.835e6_dbl_kind - 2.501e6_dbl_kind
contains
  subroutine icepack_query_parameters(puny_out, rhos_out, Lfresh_out, cp_ice_out, skl_bgc_out, &
      z_tracers_out)
    real(dbl_kind), intent(out), optional :: puny_out, rhos_out, Lfresh_out, cp_ice_out
    logical, intent(out), optional :: skl_bgc_out, z_tracers_out
    if (present(puny_out)) puny_out = 1e-11_dbl_kind
    if (present(rhos_out)) rhos_out = rhos
    if (present(Lfresh_out)) Lfresh_out = Lfresh
    if (present(cp_ice_out)) cp_ice_out = cp_ice
    if (present(skl_bgc_out)) skl_bgc_out = .false.
    if (present(z_tracers_out)) z_tracers_out = .false.
  end subroutine icepack_query_parameters

  subroutine icepack_query_tracer_flags(tr_fsd_out, tr_brine_out, tr_snow_out, tr_lvl_out, &
      tr_FY_out)
    logical, intent(out), optional :: tr_fsd_out, tr_brine_out, tr_snow_out, tr_lvl_out, tr_FY_out
    if (present(tr_fsd_out)) tr_fsd_out = tr_fsd
    if (present(tr_brine_out)) tr_brine_out = .false.
    if (present(tr_snow_out)) tr_snow_out = .false.
    if (present(tr_lvl_out)) tr_lvl_out = .true.
    if (present(tr_FY_out)) tr_FY_out = .false.
  end subroutine icepack_query_tracer_flags

  subroutine icepack_query_tracer_indices(nt_Tsfc_out, nt_qice_out, nt_sice_out, nt_qsno_out, &
      nt_alvl_out, nt_vlvl_out, nt_FY_out)
    integer, intent(out), optional :: nt_Tsfc_out, nt_qice_out, nt_sice_out, nt_qsno_out, &
      nt_alvl_out, nt_vlvl_out, nt_FY_out
    if (present(nt_Tsfc_out)) nt_Tsfc_out = 1
    if (present(nt_qice_out)) nt_qice_out = 2
    if (present(nt_sice_out)) nt_sice_out = 2 + nilyr
    if (present(nt_qsno_out)) nt_qsno_out = 2 + 2*nilyr
    if (present(nt_alvl_out)) nt_alvl_out = n_tracers() - 1
    if (present(nt_vlvl_out)) nt_vlvl_out = n_tracers()
    if (present(nt_FY_out)) nt_FY_out = 0
  end subroutine icepack_query_tracer_indices

  integer function n_tracers()
    n_tracers = 3 + 2*nilyr + nslyr
  end function n_tracers

  subroutine icepack_init_trcr(Tair, Tf, Sprofile, Tprofile, Tsfc, qin, qsn)
    ! A linear profile of temperature; enthalpy of Bitz and Lipscomb (1999).
    real(dbl_kind), intent(in) :: Tair, Tf, Sprofile(:), Tprofile(:)
    real(dbl_kind), intent(out) :: Tsfc, qin(:), qsn(:)
    real(dbl_kind) :: celsius
    integer :: k
    if (any(Sprofile < 0)) stop 'no such salinity'
    Tsfc = min(0.0_dbl_kind, Tair - 273.15_dbl_kind)
    do k = 1, nilyr
      celsius = Tsfc + (Tf - Tsfc)*(k - 0.5_dbl_kind)/nilyr
      qin(k) = -rhoi*(cp_ice*(Tprofile(k) - celsius) + Lfresh*(1 - Tprofile(k)/celsius) &
                      - cp_ocn*Tprofile(k))
    end do
    qsn = -rhos*(Lfresh - cp_ice*Tsfc)
  end subroutine icepack_init_trcr

  subroutine icepack_aggregate(aicen, trcrn, vicen, vsnon, aice, trcr, vice, vsno, aice0, &
      trcr_depend, trcr_base, n_trcr_strata, nt_strata, Tf)
    ! Of the tracers only the surface temperature.
    real(dbl_kind), intent(in) :: aicen(:), trcrn(:, :), vicen(:), vsnon(:), trcr_base(:, :), Tf
    integer, intent(in) :: trcr_depend(:), n_trcr_strata(:), nt_strata(:, :)
    real(dbl_kind), intent(out) :: aice, vice, vsno, aice0, trcr(:)
    integer :: n
    if (any([size(trcr_depend), size(n_trcr_strata), size(nt_strata, 1), size(trcr_base, 1)] &
            /= size(trcr))) stop 'sizes of tracers differ'
    aice = 0
    vice = 0
    vsno = 0
    do n = 1, ncat
      aice = aice + aicen(n)
      vice = vice + vicen(n)
      vsno = vsno + vsnon(n)
    end do
    aice0 = max(1 - aice, 0.0_dbl_kind)
    trcr = 0
    trcr(1) = Tf
    if (aice > 0) trcr(1) = sum(aicen*trcrn(1, :))/aice
  end subroutine icepack_aggregate

  subroutine icepack_warnings_flush(unit)
    integer, intent(in) :: unit
    flush (unit)
  end subroutine icepack_warnings_flush

  logical function icepack_warnings_aborted()
    icepack_warnings_aborted = .false.
  end function icepack_warnings_aborted
end module icepack_intfc
