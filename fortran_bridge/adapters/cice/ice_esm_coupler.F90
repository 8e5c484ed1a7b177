!=======================================================================
!
! Generated initial states for CICE, by the library esm_coupler: one
! member of an ensemble, chosen in the namelist group esm_nml, replaces
! the state that init_state or the restart gave.
!
! Calls from CICE: esm_initialize after init_restart, esm_step beside
! ice_restoring_interior('state'), esm_finalize before the run ends.
! docs/cice.md of esm_coupler says which lines go where.
!
! The library fills aggregates on the blocks of CICE. The categories that
! a cell has keep thickness, enthalpy and other tracers, and change their
! areas; a cell without ice gets columns from icepack_init_trcr. Cells
! that the generated state does not change keep every bit.

      module ice_esm_coupler

      use ice_kinds_mod
      use ice_blocks, only: block, get_block, nghost, nx_block, ny_block
      use ice_communicate, only: my_task, master_task
      use ice_constants, only: c0, c1, field_loc_center, field_loc_NEcorner, &
          field_type_scalar, field_type_vector
      use ice_domain, only: nblocks, blocks_ice, halo_info
      use ice_domain_size, only: max_blocks, ncat, nilyr, nslyr
      use ice_exit, only: abort_ice
      use ice_fileunits, only: nu_diag
      use icepack_intfc, only: icepack_warnings_flush, icepack_warnings_aborted
      use esm_coupler, only: coupler_t, ESM_OK

      implicit none
      private
      public :: esm_initialize, esm_step, esm_finalize

      ! namelist esm_nml of ice_in; a run without the group is a run without the library
      character (len=char_len_long) :: &
         esm_namelist = 'none'   ! the library's own namelist file
      integer (kind=int_kind) :: &
         esm_member   = 1 , &    ! ensemble member, from 1; 0: keep the model's state
         esm_date     = 0        ! yyyymmdd of the generated state; 0: the model's date
      logical (kind=log_kind) :: &
         esm_each_step = .false. ! call the library in each time step

      type (coupler_t) :: coupler

      logical (kind=log_kind) :: running = .false.

      real (kind=dbl_kind), dimension(:,:,:), allocatable, target :: &
         sic  , & ! concentration of ice
         sit  , & ! volume of ice per cell area  (m)
         snt  , & ! volume of snow per cell area (m)
         siu  , & ! x-component of velocity, U points (m/s)
         siv      ! y-component of velocity, U points (m/s)

      real (kind=dbl_kind), parameter :: &
         hs_min  = 1.e-4_dbl_kind , & ! thinner snow has no enthalpy of its own (m)
         tol     = 1.e-12_dbl_kind    ! categories have the totals to this

!=======================================================================

      contains

!=======================================================================

! Start the library and replace the initial state. Collective.

      subroutine esm_initialize

      integer (kind=int_kind) :: status
      character(len=*), parameter :: subname = '(esm_initialize)'

      call read_esm_nml
      if (trim(esm_namelist) == 'none') return

      call check_configuration
      call start_coupler
      running = .true.
      if (esm_member == 0) return

      call get_state  ! what is changed rather than made starts from the model's own
      call coupler%generate(esm_member, state_date(), status)
      call check(status, subname//' generate')
      call put_state
      call aggregate_state
      call report

      end subroutine esm_initialize

!=======================================================================

! The state of this step through the library and back; update_state, which
! comes next in ice_step, aggregates. Collective.

      subroutine esm_step

      use ice_calendar, only: dt

      integer (kind=int_kind) :: status
      character(len=*), parameter :: subname = '(esm_step)'

      if (.not. (running .and. esm_each_step)) return

      call get_state
      call coupler%step(today(), dt, status)
      call check(status, subname//' step')
      call put_state

      end subroutine esm_step

!=======================================================================

! Before MPI is finalized. Collective.

      subroutine esm_finalize

      integer (kind=int_kind) :: status
      character(len=*), parameter :: subname = '(esm_finalize)'

      if (.not. running) return
      call coupler%stop(status)
      call check(status, subname//' stop')
      running = .false.
      deallocate (sic, sit, snt, siu, siv)

      end subroutine esm_finalize

!=======================================================================

      subroutine read_esm_nml

      use ice_broadcast, only: broadcast_scalar
      use ice_fileunits, only: nml_filename

      integer (kind=int_kind) :: nu, nml_error
      character (len=char_len_long) :: text
      character(len=*), parameter :: subname = '(read_esm_nml)'

      namelist /esm_nml/ esm_namelist, esm_member, esm_date, esm_each_step

      if (my_task == master_task) then
         open (newunit=nu, file=trim(nml_filename), status='old', action='read', &
               iostat=nml_error, iomsg=text)
         if (nml_error /= 0) call abort_ice(subname//' ERROR: '//trim(text), &
             file=__FILE__, line=__LINE__)
         read (nu, nml=esm_nml, iostat=nml_error, iomsg=text)
         if (nml_error > 0) call abort_ice(subname//' ERROR: esm_nml of '// &
             trim(nml_filename)//': '//trim(text), file=__FILE__, line=__LINE__)
         if (nml_error < 0 .and. trim(esm_namelist) /= 'none') call abort_ice(subname// &
             ' ERROR: esm_nml of '//trim(nml_filename)//' does not end with a /', &
             file=__FILE__, line=__LINE__)
         close (nu)  ! else there is no such group
         write(nu_diag,*) ' '
         write(nu_diag,*) 'esm_namelist     = ', trim(esm_namelist)
         write(nu_diag,*) 'esm_member       = ', esm_member
         write(nu_diag,*) 'esm_date         = ', esm_date
         write(nu_diag,*) 'esm_each_step    = ', esm_each_step
      endif
      call broadcast_scalar(esm_namelist,  master_task)
      call broadcast_scalar(esm_member,    master_task)
      call broadcast_scalar(esm_date,      master_task)
      call broadcast_scalar(esm_each_step, master_task)

      end subroutine read_esm_nml

!=======================================================================

! Refuse what a new column could not be made for.

      subroutine check_configuration

      use ice_grid, only: grid_ice
      use icepack_intfc, only: icepack_query_tracer_flags, icepack_query_parameters

      logical (kind=log_kind) :: tr_fsd, tr_brine, tr_snow, skl_bgc, z_tracers
      character(len=*), parameter :: subname = '(check_configuration)'

      call icepack_query_tracer_flags(tr_fsd_out=tr_fsd, tr_brine_out=tr_brine, &
           tr_snow_out=tr_snow)
      call icepack_query_parameters(skl_bgc_out=skl_bgc, z_tracers_out=z_tracers)
      call check_icepack(subname)

      if (any([tr_fsd, tr_brine, tr_snow, skl_bgc, z_tracers])) call abort_ice(subname// &
          ' ERROR: tr_fsd, tr_brine, tr_snow, skl_bgc and z_tracers must be .false. with '// &
          'esm_nml: new ice has no values for them', file=__FILE__, line=__LINE__)
      if (trim(grid_ice) /= 'B') call abort_ice(subname//' ERROR: grid_ice = '// &
          trim(grid_ice)//' with esm_nml: the velocities of the B grid are generated', &
          file=__FILE__, line=__LINE__)

      end subroutine check_configuration

!=======================================================================

      subroutine start_coupler

      use ice_communicate, only: MPI_COMM_ICE
      use ice_domain_size, only: nx_global, ny_global
      use ice_grid, only: tmask

      type (block) :: this_block
      integer (kind=int_kind), dimension(nblocks) :: i_first, j_first, nx, ny
      real (kind=dbl_kind) :: at_corners
      integer (kind=int_kind) :: iblk, status
      character(len=*), parameter :: subname = '(start_coupler)'

      call coupler%start(MPI_COMM_ICE, trim(esm_namelist), status)
      call check(status, subname//' start')
      call coupler%diagnostic('drift_at_corners', at_corners, status)
      call check(status, subname//' diagnostic')
      if (at_corners < c1) call abort_ice(subname//' ERROR: the drift of the checkpoint is '// &
          'at cell centres: give one with drift at north-east corners, as on the B grid', &
          file=__FILE__, line=__LINE__)

      do iblk = 1, nblocks
         this_block = get_block(blocks_ice(iblk), iblk)
         i_first(iblk) = this_block%i_glob(this_block%ilo)
         j_first(iblk) = this_block%j_glob(this_block%jlo)
         nx(iblk) = this_block%ihi - this_block%ilo + 1
         ny(iblk) = this_block%jhi - this_block%jlo + 1
      enddo
      call coupler%set_domain(nx_global, ny_global, i_first, j_first, nx, ny, nghost, status)
      call check(status, subname//' set_domain')
      call coupler%set_mask(tmask(:,:,1:nblocks), status)
      call check(status, subname//' set_mask')

      call bind_field('sic', sic)
      call bind_field('sit', sit)
      call bind_field('snt', snt)
      call bind_field('siu', siu)
      call bind_field('siv', siv)

      end subroutine start_coupler

!=======================================================================

      subroutine bind_field (name, field)

      character(len=*), intent(in) :: name
      real (kind=dbl_kind), dimension(:,:,:), allocatable, target, intent(inout) :: field

      integer (kind=int_kind) :: status
      character(len=*), parameter :: subname = '(bind_field)'

      allocate(field(nx_block,ny_block,nblocks), source=c0, stat=status)
      if (status /= 0) call abort_ice(subname//' ERROR: Out of memory', &
          file=__FILE__, line=__LINE__)
      call coupler%bind(name, field, status)
      call check(status, subname//' '//name)

      end subroutine bind_field

!=======================================================================

! Aggregates of the categories, which alone are up to date within a step.

      subroutine get_state

      use ice_esm_itd, only: esm_total
      use ice_state, only: aicen, vicen, vsnon, uvel, vvel

      integer (kind=int_kind) :: i, j, iblk

      do iblk = 1, nblocks
         do j = 1, ny_block
         do i = 1, nx_block
            sic(i,j,iblk) = esm_total(aicen(i,j,:,iblk))
            sit(i,j,iblk) = esm_total(vicen(i,j,:,iblk))
            snt(i,j,iblk) = esm_total(vsnon(i,j,:,iblk))
         enddo
         enddo
      enddo
      siu = uvel(:,:,1:nblocks)
      siv = vvel(:,:,1:nblocks)

      end subroutine get_state

!=======================================================================

! The bound fields into the state of the model: categories and tracers,
! velocity, ghost cells; and no stresses that are of other ice.

      subroutine put_state

      use ice_boundary, only: ice_HaloUpdate
      use ice_grid, only: tmask, umask
      use ice_state, only: aicen, vicen, vsnon, trcrn, uvel, vvel

      type (block) :: this_block
      real (kind=dbl_kind), dimension(nx_block,ny_block,max_blocks) :: &
         changed  ! 1 where the ice of a cell differs from before
      integer (kind=int_kind) :: i, j, iblk
      character(len=*), parameter :: subname = '(put_state)'

      changed = c0
      do iblk = 1, nblocks
         this_block = get_block(blocks_ice(iblk), iblk)
         do j = this_block%jlo, this_block%jhi
         do i = this_block%ilo, this_block%ihi
            if (tmask(i,j,iblk)) call put_column(i, j, iblk, changed(i,j,iblk))
            uvel(i,j,iblk) = merge(siu(i,j,iblk), c0, umask(i,j,iblk))
            vvel(i,j,iblk) = merge(siv(i,j,iblk), c0, umask(i,j,iblk))
         enddo
         enddo
      enddo
      call check_icepack(subname)

      call ice_HaloUpdate(changed, halo_info, field_loc_center, field_type_scalar)
      call ice_HaloUpdate(aicen,   halo_info, field_loc_center, field_type_scalar)
      call ice_HaloUpdate(vicen,   halo_info, field_loc_center, field_type_scalar)
      call ice_HaloUpdate(vsnon,   halo_info, field_loc_center, field_type_scalar)
      call ice_HaloUpdate(trcrn,   halo_info, field_loc_center, field_type_scalar)
      call ice_HaloUpdate(uvel,    halo_info, field_loc_NEcorner, field_type_vector)
      call ice_HaloUpdate(vvel,    halo_info, field_loc_NEcorner, field_type_vector)

      call reset_dynamics(changed)

      end subroutine put_state

!=======================================================================

! Categories and tracers of one cell, if its totals differ from the bound fields.

      subroutine put_column (i, j, iblk, changed)

      use ice_arrays_column, only: hin_max
      use ice_esm_itd, only: esm_categories, esm_total
      use ice_flux, only: Tf, sst, frzmlt
      use ice_state, only: aicen, vicen, vsnon, trcrn

      integer (kind=int_kind), intent(in) :: i, j, iblk
      real (kind=dbl_kind), intent(inout) :: changed

      real (kind=dbl_kind), dimension(ncat) :: an, vn, sn
      character(len=*), parameter :: subname = '(put_column)'

      an = aicen(i,j,:,iblk)
      vn = vicen(i,j,:,iblk)
      sn = vsnon(i,j,:,iblk)
      call esm_categories(hin_max(0:ncat), sic(i,j,iblk), sit(i,j,iblk), snt(i,j,iblk), &
                          an, vn, sn)
      if (all(an == aicen(i,j,:,iblk)) .and. all(vn == vicen(i,j,:,iblk)) .and. &
          all(sn == vsnon(i,j,:,iblk))) return
      if (max(abs(esm_total(an) - sic(i,j,iblk)), abs(esm_total(vn) - sit(i,j,iblk)), &
              abs(esm_total(sn) - snt(i,j,iblk))) > tol) call abort_ice(subname// &
          ' ERROR: the generated ice of a cell fits into no categories', &
          file=__FILE__, line=__LINE__)

      call put_tracers(an, sn, aicen(i,j,:,iblk), vsnon(i,j,:,iblk), &
                       fresh_column(i, j, iblk), Tf(i,j,iblk), trcrn(i,j,:,:,iblk))
      ! water under new ice is at its freezing point, or the ice would melt in a day
      if (all(aicen(i,j,:,iblk) <= c0)) then
         sst   (i,j,iblk) = min(sst(i,j,iblk), Tf(i,j,iblk))
         frzmlt(i,j,iblk) = c0
      endif
      changed = c1
      aicen(i,j,:,iblk) = an
      vicen(i,j,:,iblk) = vn
      vsnon(i,j,:,iblk) = sn

      end subroutine put_column

!=======================================================================

! Tracers of the new categories of a cell. A category that is new takes those of the nearest one
! that had ice, the thinner of two, or of a fresh column where none had. Without ice: as empty.

      subroutine put_tracers (an, sn, an_old, sn_old, fresh, Tf, tn)

      use icepack_intfc, only: icepack_query_tracer_indices, icepack_query_parameters

      real (kind=dbl_kind), dimension(:), intent(in) :: &
         an    , sn     , & ! concentration and snow volume (m) of each category
         an_old, sn_old , & ! and before
         fresh              ! tracers of new ice
      real (kind=dbl_kind), intent(in) :: Tf   ! freezing temperature (C)
      real (kind=dbl_kind), dimension(:,:), intent(inout) :: tn ! tracers (ntrcr,ncat)

      real (kind=dbl_kind), dimension(size(tn,1),size(tn,2)) :: old
      real (kind=dbl_kind) :: puny, rhos, Lfresh, cp_ice
      integer (kind=int_kind) :: n, m, nt_Tsfc, nt_qsno
      logical (kind=log_kind) :: had_snow

      call icepack_query_tracer_indices(nt_Tsfc_out=nt_Tsfc, nt_qsno_out=nt_qsno)
      call icepack_query_parameters(puny_out=puny, rhos_out=rhos, Lfresh_out=Lfresh, &
           cp_ice_out=cp_ice)
      old = tn
      do n = 1, ncat
         if (an(n) <= c0) then
            tn(:,n) = c0
            tn(nt_Tsfc,n) = Tf
            cycle
         endif
         m = nearest_ice(n, an_old > puny)
         had_snow = .false.
         if (m == 0) then
            tn(:,n) = fresh
         else
            tn(:,n) = old(:,m)
            had_snow = sn_old(m) > hs_min*an_old(m)
         endif
         if (.not. had_snow) tn(nt_qsno:nt_qsno+nslyr-1,n) = &
             -rhos * (Lfresh - cp_ice*min(c0, tn(nt_Tsfc,n)))
         if (sn(n) <= c0) tn(nt_qsno:nt_qsno+nslyr-1,n) = c0
      enddo

      end subroutine put_tracers

!=======================================================================

! The category with ice that is nearest to n, the thinner of two; 0 if none has.

      pure function nearest_ice (n, ice) result(m)

      integer (kind=int_kind), intent(in) :: n
      logical (kind=log_kind), dimension(:), intent(in) :: ice
      integer (kind=int_kind) :: m, k

      m = 0
      if (any(ice)) m = minloc([(abs(k - n), k=1, size(ice))], dim=1, mask=ice)

      end function nearest_ice

!=======================================================================

! Tracers of new ice: Icepack's own initial column, all of it level first-year ice.

      function fresh_column (i, j, iblk) result(fresh)

      use ice_flux, only: Tair, Tf, salinz, Tmltz
      use ice_state, only: trcrn
      use icepack_intfc, only: icepack_init_trcr, icepack_query_tracer_indices, &
          icepack_query_tracer_flags

      integer (kind=int_kind), intent(in) :: i, j, iblk
      real (kind=dbl_kind), dimension(size(trcrn,3)) :: fresh

      integer (kind=int_kind) :: nt_Tsfc, nt_qice, nt_sice, nt_qsno, nt_alvl, nt_vlvl, nt_FY
      logical (kind=log_kind) :: tr_lvl, tr_FY

      call icepack_query_tracer_flags(tr_lvl_out=tr_lvl, tr_FY_out=tr_FY)
      call icepack_query_tracer_indices(nt_Tsfc_out=nt_Tsfc, nt_qice_out=nt_qice, &
           nt_sice_out=nt_sice, nt_qsno_out=nt_qsno, nt_alvl_out=nt_alvl, &
           nt_vlvl_out=nt_vlvl, nt_FY_out=nt_FY)
      fresh = c0
      call icepack_init_trcr(Tair=Tair(i,j,iblk), Tf=Tf(i,j,iblk), &
           Sprofile=salinz(i,j,:,iblk), Tprofile=Tmltz(i,j,:,iblk), Tsfc=fresh(nt_Tsfc), &
           qin=fresh(nt_qice:nt_qice+nilyr-1), qsn=fresh(nt_qsno:nt_qsno+nslyr-1))
      fresh(nt_sice:nt_sice+nilyr-1) = salinz(i,j,1:nilyr,iblk)
      if (tr_lvl) fresh([nt_alvl, nt_vlvl]) = c1
      if (tr_FY)  fresh(nt_FY) = c1

      end function fresh_column

!=======================================================================

! Totals and mean tracers, ghost cells included, as restartfile leaves them.

      subroutine aggregate_state

      use ice_flux, only: Tf
      use ice_grid, only: tmask
      use ice_state, only: aicen, vicen, vsnon, trcrn, aice, vice, vsno, trcr, aice0, &
          aice_init, trcr_depend, trcr_base, n_trcr_strata, nt_strata
      use icepack_intfc, only: icepack_aggregate

      integer (kind=int_kind) :: i, j, iblk
      character(len=*), parameter :: subname = '(aggregate_state)'

      do iblk = 1, nblocks
         do j = 1, ny_block
         do i = 1, nx_block
            if (tmask(i,j,iblk)) &
            call icepack_aggregate(aicen = aicen(i,j,:,iblk),     &
                                   trcrn = trcrn(i,j,:,:,iblk),   &
                                   vicen = vicen(i,j,:,iblk),     &
                                   vsnon = vsnon(i,j,:,iblk),     &
                                   aice  = aice (i,j,  iblk),     &
                                   trcr  = trcr (i,j,:,iblk),     &
                                   vice  = vice (i,j,  iblk),     &
                                   vsno  = vsno (i,j,  iblk),     &
                                   aice0 = aice0(i,j,  iblk),     &
                                   trcr_depend   = trcr_depend,   &
                                   trcr_base     = trcr_base,     &
                                   n_trcr_strata = n_trcr_strata, &
                                   nt_strata     = nt_strata,     &
                                   Tf            = Tf(i,j,iblk))
            aice_init(i,j,iblk) = aice(i,j,iblk)
         enddo
         enddo
      enddo
      call check_icepack(subname)

      end subroutine aggregate_state

!=======================================================================

! No stress in a cell of other ice, or departure points go astray; the mask of the dynamics goes
! with the ice, or new ice would start with the velocity of the ocean.

      subroutine reset_dynamics (changed)

      use ice_dyn_shared, only: iceUmask
      use ice_flux, only: strocnxT_iavg, strocnyT_iavg, &
          stressp_1, stressp_2, stressp_3, stressp_4, &
          stressm_1, stressm_2, stressm_3, stressm_4, &
          stress12_1, stress12_2, stress12_3, stress12_4
      use ice_grid, only: umask
      use ice_state, only: aicen

      real (kind=dbl_kind), dimension(:,:,:), intent(in) :: changed ! 1 where the ice is other

      type (block) :: this_block
      integer (kind=int_kind) :: i, j, iblk

      where (changed > c0)
         stressp_1  = c0
         stressp_2  = c0
         stressp_3  = c0
         stressp_4  = c0
         stressm_1  = c0
         stressm_2  = c0
         stressm_3  = c0
         stressm_4  = c0
         stress12_1 = c0
         stress12_2 = c0
         stress12_3 = c0
         stress12_4 = c0
         strocnxT_iavg = c0
         strocnyT_iavg = c0
      endwhere

      do iblk = 1, nblocks
         this_block = get_block(blocks_ice(iblk), iblk)
         do j = this_block%jlo, this_block%jhi
         do i = this_block%ilo, this_block%ihi
            if (any(changed(i:i+1,j:j+1,iblk) > c0)) iceUmask(i,j,iblk) = &
                umask(i,j,iblk) .and. any(aicen(i:i+1,j:j+1,:,iblk) > c0)
         enddo
         enddo
      enddo

      end subroutine reset_dynamics

!=======================================================================

! The date of the generated state, yyyymmdd.

      function state_date () result(date)

      integer (kind=int_kind) :: date

      date = esm_date
      if (date == 0) date = today()

      end function state_date

!=======================================================================

      function today () result(date)

      use ice_calendar, only: myear, mmonth, mday

      integer (kind=int_kind) :: date

      date = 10000*myear + 100*mmonth + mday

      end function today

!=======================================================================

! What the library said: a note goes to the log, a failure ends the run, on all ranks alike.

      subroutine check (status, what)

      integer (kind=int_kind), intent(in) :: status
      character(len=*), intent(in) :: what

      if (status /= ESM_OK) call abort_ice(what//': '//coupler%message(), &
          file=__FILE__, line=__LINE__)
      if (my_task == master_task .and. len(coupler%message()) > 0) &
         write(nu_diag,*) what//': '//coupler%message()

      end subroutine check

!=======================================================================

      subroutine check_icepack (subname)

      character(len=*), intent(in) :: subname

      call icepack_warnings_flush(nu_diag)
      if (icepack_warnings_aborted()) call abort_ice(error_message=subname, &
          file=__FILE__, line=__LINE__)

      end subroutine check_icepack

!=======================================================================

! How many cells had to be corrected, and how long it took.

      subroutine report

      real (kind=dbl_kind) :: cells, seconds
      integer (kind=int_kind) :: status
      character(len=*), parameter :: subname = '(esm_coupler)'

      call coupler%diagnostic('cells_changed', cells, status)
      call check(status, subname)
      call coupler%diagnostic('seconds', seconds, status)
      call check(status, subname)
      if (my_task == master_task) write(nu_diag,'(1x,a,i6,a,i8,a,i6,a,f8.3)') &
         subname//' member', esm_member, '  date ', state_date(), &
         '  cells corrected ', nint(cells), '  seconds ', seconds

      end subroutine report

!=======================================================================

      end module ice_esm_coupler

!=======================================================================
