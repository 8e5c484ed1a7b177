!> A host that does what a script says, one call a line, and writes down what came of it.
!!
!! Usage: scripted_host SCRIPT OUTPUT. Each rank writes OUTPUT.<rank>, one line a call of the
!! coupler: verb, status, what the call changed in the host's process, message; tabs between.
!! A line that begins with "on K" is carried out on rank K only. The verbs are the cases below.
program scripted_host
  use, intrinsic :: iso_c_binding, only: c_char, c_int, c_null_char
  use, intrinsic :: iso_fortran_env, only: real64
  use mpi
  use esm_coupler, only: coupler_t
  use host_fields, only: blocks_t, dump_field, field_t, load_field, make_field, read_blocks, &
      save_field, touched_edges
  implicit none

  interface
    subroutine tools_remember() bind(c)
    end subroutine tools_remember
    subroutine tools_make_special() bind(c)
    end subroutine tools_make_special
    subroutine tools_trap() bind(c)
    end subroutine tools_trap
    subroutine tools_changes(text, size) bind(c)
      import :: c_char, c_int
      character(kind=c_char), intent(out) :: text(*)
      integer(c_int), value :: size
    end subroutine tools_changes
    integer(c_int) function tools_run_python(path) bind(c)
      import :: c_char, c_int
      character(kind=c_char), intent(in) :: path(*)
    end function tools_run_python
    integer(c_int) function tools_memory() bind(c)
      import :: c_int
    end function tools_memory
    integer(c_int) function esm_ping(coupler, renew_views) bind(c)
      import :: c_int
      integer(c_int), value :: coupler, renew_views
    end function esm_ping
  end interface

  integer, parameter :: N_COUPLERS = 6, N_FIELDS = 64, WORDS = 12
  character(len=512) :: word(WORDS)
  character(len=4096) :: line, script, output
  type(coupler_t) :: coupler(N_COUPLERS), unused
  type(field_t), target :: field(N_FIELDS)
  type(blocks_t) :: blocks
  logical, allocatable :: ocean(:,:,:)
  integer :: script_unit, log_unit, stat, ierr, my_rank, part, times, n
  logical :: is_final

  call MPI_Init(ierr)
  call MPI_Comm_rank(MPI_COMM_WORLD, my_rank, ierr)
  call get_command_argument(1, script)
  call get_command_argument(2, output)
  write(line, '(a,".",i0)') trim(output), my_rank
  open(newunit=log_unit, file=trim(line), status='replace', action='write')
  open(newunit=script_unit, file=trim(script), action='read')
  call MPI_Comm_split(MPI_COMM_WORLD, mod(my_rank, 2), my_rank, part, ierr)
  times = 1
  do
    read(script_unit, '(a)', iostat=stat) line
    if (stat /= 0) exit
    call split(line)
    if (word(1) == 'on') then
      if (number(2) /= my_rank) cycle
      word(1:WORDS-2) = word(3:WORDS)
    end if
    if (word(1) == 'repeat') then
      times = number(2)
      cycle
    end if
    do n = 1, times
      call carry_out()
    end do
    times = 1
  end do
  close(log_unit)
  call MPI_Finalized(is_final, ierr)
  if (.not. is_final) call MPI_Finalize(ierr)

contains

  subroutine carry_out()
    select case (word(1))
    case ('', '#')
    case ('blocks') ! blocks NX NY HALO TABLE
      blocks%nx_global = number(2)
      blocks%ny_global = number(3)
      blocks%halo = number(4)
      call read_blocks(trim(word(5)), my_rank, blocks)
    case ('field') ! field NAME KIND RANK [PAD_X PAD_Y]
      call make_field(field(slot('')), blocks, word(2), number(3), number(4), [number(5), number(6)])
    case ('load') ! load NAME FILE
      call load_field(field(slot(word(2))), blocks, trim(word(3)))
    case ('save') ! save NAME FILE
      write(line, '(a,".",i0)') trim(word(3)), my_rank
      call save_field(field(slot(word(2))), blocks, trim(line))
    case ('dump') ! dump NAME FILE: the whole array, halo included
      write(line, '(a,".",i0)') trim(word(3)), my_rank
      call dump_field(field(slot(word(2))), trim(line))
    case ('edges') ! edges NAME: how many halo cells were written to
      call note(touched_edges(field(slot(word(2))), blocks), '')
    case ('memory')
      call note(int(tools_memory()), '')
    case ('python') ! python FILE
      call note(int(tools_run_python(trim(word(2)) // c_null_char)), '')
    case ('special')
      call tools_make_special()
    case ('trap')
      call tools_trap()
    case ('openmp') ! openmp THREADS: make a pool of threads, which inherit traps
      call make_pool(number(2))
    case ('anew') ! another script follows: its couplers and fields are others
      coupler = unused
      where (field%name /= '') field%name = '-'
      call note(0, '')
    case ('finalize')
      call MPI_Finalize(ierr)
    case default
      call make_call()
    end select
  end subroutine carry_out

  !> The calls of the coupler: word(2) is its number in this host.
  subroutine make_call()
    integer :: status, c
    real(real64) :: value
    character(len=:), allocatable :: text
    character(len=512, kind=c_char) :: changes
    c = number(2)
    call tools_remember()
    select case (word(1))
    case ('start') ! start C world|part NAMELIST
      call coupler(c)%start(merge(MPI_COMM_WORLD, part, word(3) == 'world'), trim(word(4)), status)
    case ('domain')
      call coupler(c)%set_domain(blocks%nx_global, blocks%ny_global, blocks%i_first, &
          blocks%j_first, blocks%nx, blocks%ny, blocks%halo, status)
    case ('mask') ! mask C NAME: ocean where the field is positive
      call mask_from(field(slot(word(3))))
      call coupler(c)%set_mask(ocean, status)
    case ('bind') ! bind C NAME [ARRAY]: an array of another name
      call bind_field(coupler(c), trim(word(3)), field(slot(merge(word(4), word(3), word(4) /= ''))), &
          status)
    case ('bind_strided')
      call coupler(c)%bind(trim(word(3)), field(slot(word(3)))%double(::2, :, :), status)
    case ('generate') ! generate C MEMBER DATE
      call coupler(c)%generate(member=number(3), date=number(4), status=status)
    case ('step') ! step C DATE SECONDS
      call coupler(c)%step(number(3), real_number(4), status)
    case ('write_restart') ! write_restart C FILE
      call coupler(c)%write_restart(trim(word(3)), status)
    case ('read_restart') ! read_restart C FILE
      call coupler(c)%read_restart(trim(word(3)), status)
    case ('ping') ! ping HANDLE RENEW
      status = esm_ping(int(c, c_int), int(number(3), c_int))
    case ('ping_threads') ! ping_threads HANDLE THREADS CALLS
      call ping_from_threads(c, number(3), number(4), status)
    case ('diagnostic') ! diagnostic C NAME
      call coupler(c)%diagnostic(trim(word(3)), value, status)
    case ('text') ! text C NAME
      text = coupler(c)%text(trim(word(3)))
      status = 0
    case ('stop')
      call coupler(c)%stop(status)
    case default
      write(*, *) 'scripted_host: unknown verb ', trim(word(1))
      call MPI_Abort(MPI_COMM_WORLD, 2, ierr)
    end select
    call tools_changes(changes, len(changes))
    if (n == times) then
      if (word(1) == 'diagnostic' .and. status == 0) then
        write(line, '(es25.17)') value
        call note(status, trim(changes(1:index(changes, c_null_char) - 1)), trim(adjustl(line)))
      else if (word(1) == 'text') then
        call note(status, changes(1:index(changes, c_null_char) - 1), text)
      else
        call note(status, changes(1:index(changes, c_null_char) - 1), coupler(min(c, N_COUPLERS))%message())
      end if
    end if
  end subroutine make_call

  subroutine bind_field(c, name, f, status)
    type(coupler_t), intent(inout) :: c
    character(len=*), intent(in) :: name
    type(field_t), intent(inout), target :: f
    integer, intent(out) :: status
    real(real64) :: nothing(0, 0)
    if (f%rank == 2 .and. size(blocks%nx) == 0) then
      call c%bind(name, nothing, status)
    else if (f%kind == 4 .and. f%rank == 2) then
      call c%bind(name, f%single(:, :, 1), status)
    else if (f%kind == 4) then
      call c%bind(name, f%single, status)
    else if (f%rank == 2) then
      call c%bind(name, f%double(:, :, 1), status)
    else
      call c%bind(name, f%double, status)
    end if
  end subroutine bind_field

  subroutine mask_from(f)
    type(field_t), intent(in) :: f
    if (allocated(ocean)) deallocate(ocean)
    allocate(ocean(size(f%double, 1), size(f%double, 2), size(f%double, 3)))
    ocean = f%double > 0
  end subroutine mask_from

  subroutine ping_from_threads(handle, threads, calls, failures)
    integer, intent(in) :: handle, threads, calls
    integer, intent(out) :: failures
    integer :: k
    failures = 0
    !$omp parallel do num_threads(threads) reduction(+:failures)
    do k = 1, calls
      if (esm_ping(int(handle, c_int), int(mod(k, 2), c_int)) /= 0) failures = failures + 1
    end do
    !$omp end parallel do
  end subroutine ping_from_threads

  subroutine make_pool(threads)
    use omp_lib, only: omp_set_num_threads
    integer, intent(in) :: threads
    integer :: k, total
    total = 0
    call omp_set_num_threads(threads)
    !$omp parallel do reduction(+:total)
    do k = 1, 1000
      total = total + k
    end do
    !$omp end parallel do
    if (total /= 500500) call MPI_Abort(MPI_COMM_WORLD, 3, ierr)
  end subroutine make_pool

  !> The index of a field; '' gives a free one.
  integer function slot(name)
    character(len=*), intent(in) :: name
    do slot = 1, N_FIELDS
      if (field(slot)%name == name) return
    end do
    write(*, *) 'scripted_host: no field ', trim(name)
    call MPI_Abort(MPI_COMM_WORLD, 2, ierr)
  end function slot

  subroutine note(status, changes, text)
    integer, intent(in) :: status
    character(len=*), intent(in) :: changes
    character(len=*), intent(in), optional :: text
    character(len=:), allocatable :: flat
    integer :: k
    flat = ''
    if (present(text)) flat = text
    do k = 1, len(flat)
      if (flat(k:k) == new_line('a')) flat(k:k) = achar(30)
    end do
    write(log_unit, '(a,a,i0,a,a,a,a)') trim(word(1)), achar(9), status, achar(9), &
        trim(adjustl(changes)), achar(9), flat
    flush(log_unit)
  end subroutine note

  subroutine split(text)
    character(len=*), intent(in) :: text
    character(len=len(text)) :: rest
    integer :: k, gap
    word = ''
    rest = adjustl(text)
    do k = 1, WORDS
      gap = index(rest, ' ')
      if (gap <= 1) exit
      word(k) = rest(1:gap-1)
      rest = adjustl(rest(gap:))
    end do
  end subroutine split

  integer function number(k)
    integer, intent(in) :: k
    number = 0
    if (word(k) /= '') read(word(k), *) number
  end function number

  real(real64) function real_number(k)
    integer, intent(in) :: k
    real_number = 0
    if (word(k) /= '') read(word(k), *) real_number
  end function real_number
end program scripted_host
