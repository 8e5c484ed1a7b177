!> The Fortran face of esm_coupler: one type, its procedures, and the statuses they give.
!!
!! Every procedure but text and message gives a status (ESM_OK = 0), the same on every rank;
!! coupler%message() tells what happened. All but these two and diagnostic are collective over the
!! communicator of start.
!! Arrays bound here stay the host's: they need the target attribute and must stay allocated, in
!! their place, until stop. Compile with -DESM_NO_MPI_F08 where the MPI library has no mpi_f08.
module esm_coupler
  use, intrinsic :: iso_c_binding, only: c_char, c_double, c_f_pointer, c_int, c_int64_t, &
      c_loc, c_null_char, c_null_ptr, c_ptr, c_size_t
  use, intrinsic :: iso_fortran_env, only: real32, real64
#ifndef ESM_NO_MPI_F08
  use mpi_f08, only: MPI_Comm
#endif
  implicit none
  private

  integer, parameter, public :: ESM_OK = 0              !! done
  integer, parameter, public :: ESM_NOT_STARTED = 1     !! call start first
  integer, parameter, public :: ESM_ALREADY_STARTED = 2 !! start on a running coupler
  integer, parameter, public :: ESM_STOPPED = 3         !! call after stop
  integer, parameter, public :: ESM_NO_GENERATOR = 4    !! the stub, which has no Python
  integer, parameter, public :: ESM_INTERPRETER = 5     !! Python could not be started
  integer, parameter, public :: ESM_MPI = 6             !! MPI not initialised, or failing
  integer, parameter, public :: ESM_CONFIG = 7          !! the namelist
  integer, parameter, public :: ESM_CHECKPOINT = 8      !! the checkpoint file
  integer, parameter, public :: ESM_DOMAIN = 9          !! blocks, mask, grid
  integer, parameter, public :: ESM_FIELD = 10          !! unknown, bound twice, wrong size or kind
  integer, parameter, public :: ESM_VALUE = 11          !! not finite, out of range, no such date
  integer, parameter, public :: ESM_ORDER = 12          !! a call before the one that it needs
  integer, parameter, public :: ESM_MEMORY = 13         !! out of memory
  integer, parameter, public :: ESM_FAILED = 14         !! anything else
  integer, parameter, public :: ESM_TIME = 15           !! longer than time_limit
  integer, parameter, public :: ESM_LOST = 16           !! some ranks did not come

  integer, parameter :: TEXT_BYTES = 16384 !! more than any text has

  type, public :: coupler_t
    private
    integer(c_int) :: handle = 0
  contains
    procedure, private :: start_integer
#ifndef ESM_NO_MPI_F08
    procedure, private :: start_f08
    generic :: start => start_integer, start_f08
#else
    generic :: start => start_integer
#endif
    procedure :: set_domain
    procedure, private :: set_mask_2, set_mask_3
    generic :: set_mask => set_mask_2, set_mask_3
    procedure, private :: bind_real32_2, bind_real32_3, bind_real64_2, bind_real64_3
    generic :: bind => bind_real32_2, bind_real32_3, bind_real64_2, bind_real64_3
    procedure :: generate
    procedure, private :: step_real32, step_real64, step_integer
    generic :: step => step_real32, step_real64, step_integer
    procedure :: write_restart
    procedure :: read_restart
    procedure :: diagnostic
    procedure :: text => text_of
    procedure :: stop => stop_coupler
    procedure :: message
  end type coupler_t

  interface
    integer(c_int) function esm_start(coupler, fortran_comm, namelist) bind(c)
      import :: c_char, c_int
      integer(c_int), intent(inout) :: coupler
      integer(c_int), value :: fortran_comm
      character(kind=c_char), intent(in) :: namelist(*)
    end function esm_start

    integer(c_int) function esm_set_domain(coupler, nx_global, ny_global, n_blocks, i_first, &
        j_first, nx, ny, halo) bind(c)
      import :: c_int
      integer(c_int), value :: coupler, nx_global, ny_global, n_blocks, halo
      integer(c_int), intent(in) :: i_first(*), j_first(*), nx(*), ny(*)
    end function esm_set_domain

    integer(c_int) function esm_set_mask(coupler, ocean, rank, shape) bind(c)
      import :: c_int, c_int64_t
      integer(c_int), value :: coupler, rank
      integer(c_int), intent(in) :: ocean(*)
      integer(c_int64_t), intent(in) :: shape(*)
    end function esm_set_mask

    integer(c_int) function esm_bind(coupler, name, data, item_size, rank, shape) bind(c)
      import :: c_char, c_int, c_int64_t, c_ptr
      integer(c_int), value :: coupler, item_size, rank
      character(kind=c_char), intent(in) :: name(*)
      type(c_ptr), value :: data
      integer(c_int64_t), intent(in) :: shape(*)
    end function esm_bind

    integer(c_int) function esm_generate(coupler, member, date) bind(c)
      import :: c_int
      integer(c_int), value :: coupler, member, date
    end function esm_generate

    integer(c_int) function esm_step(coupler, date, seconds) bind(c)
      import :: c_double, c_int
      integer(c_int), value :: coupler, date
      real(c_double), value :: seconds
    end function esm_step

    integer(c_int) function esm_write_restart(coupler, path) bind(c)
      import :: c_char, c_int
      integer(c_int), value :: coupler
      character(kind=c_char), intent(in) :: path(*)
    end function esm_write_restart

    integer(c_int) function esm_read_restart(coupler, path) bind(c)
      import :: c_char, c_int
      integer(c_int), value :: coupler
      character(kind=c_char), intent(in) :: path(*)
    end function esm_read_restart

    integer(c_int) function esm_diagnostic(coupler, name, value) bind(c)
      import :: c_char, c_double, c_int
      integer(c_int), value :: coupler
      character(kind=c_char), intent(in) :: name(*)
      real(c_double), intent(out) :: value
    end function esm_diagnostic

    integer(c_int) function esm_text(coupler, name, text, size) bind(c)
      import :: c_char, c_int
      integer(c_int), value :: coupler, size
      character(kind=c_char), intent(in) :: name(*)
      character(kind=c_char), intent(out) :: text(*)
    end function esm_text

    integer(c_int) function esm_stop(coupler) bind(c)
      import :: c_int
      integer(c_int), value :: coupler
    end function esm_stop

    type(c_ptr) function esm_message(coupler) bind(c)
      import :: c_int, c_ptr
      integer(c_int), value :: coupler
    end function esm_message

    integer(c_size_t) function strlen(text) bind(c)
      import :: c_ptr, c_size_t
      type(c_ptr), value :: text
    end function strlen
  end interface

contains

  !> Start on every rank of a communicator; the namelist is read by its first rank.
  subroutine start_integer(self, comm, namelist, status)
    class(coupler_t), intent(inout) :: self
    integer, intent(in) :: comm              !! MPI communicator; it is duplicated
    character(len=*), intent(in) :: namelist !! path of the namelist file
    integer, intent(out) :: status           !! ESM_OK or what went wrong
    status = esm_start(self%handle, int(comm, c_int), c_text(namelist))
  end subroutine start_integer

#ifndef ESM_NO_MPI_F08
  !> The same with a handle of module mpi_f08.
  subroutine start_f08(self, comm, namelist, status)
    class(coupler_t), intent(inout) :: self
    type(MPI_Comm), intent(in) :: comm       !! MPI communicator; it is duplicated
    character(len=*), intent(in) :: namelist !! path of the namelist file
    integer, intent(out) :: status           !! ESM_OK or what went wrong
    call self%start_integer(comm%mpi_val, namelist, status)
  end subroutine start_f08
#endif

  !> Say which blocks of the global grid this rank owns; the arrays have one entry a block.
  subroutine set_domain(self, nx_global, ny_global, i_first, j_first, nx, ny, halo, status)
    class(coupler_t), intent(in) :: self
    integer, intent(in) :: nx_global, ny_global !! size of the global grid
    integer, intent(in) :: i_first(:)           !! first interior column of each block, from 1
    integer, intent(in) :: j_first(:)           !! first interior row of each block, from 1
    integer, intent(in) :: nx(:), ny(:)         !! interior size of each block
    integer, intent(in) :: halo                 !! width of the halo of all arrays
    integer, intent(out) :: status              !! ESM_OK or what went wrong
    integer :: n_blocks
    n_blocks = size(i_first)
    ! The call is collective, so a rank at fault makes it too: -1 blocks are refused on all ranks.
    if (any([size(j_first), size(nx), size(ny)] /= n_blocks)) n_blocks = -1
    status = esm_set_domain(self%handle, int(nx_global, c_int), int(ny_global, c_int), &
        int(n_blocks, c_int), int(i_first, c_int), int(j_first, c_int), int(nx, c_int), &
        int(ny, c_int), int(halo, c_int))
  end subroutine set_domain

  !> Hand over the host's ocean mask of one block; optional.
  subroutine set_mask_2(self, ocean, status)
    class(coupler_t), intent(in) :: self
    logical, intent(in) :: ocean(:,:) !! (nx_block, ny_block), halo included, true on ocean
    integer, intent(out) :: status    !! ESM_OK or what went wrong
    integer(c_int), allocatable :: numbers(:,:)
    allocate(numbers(size(ocean, 1), size(ocean, 2)))
    numbers = merge(1_c_int, 0_c_int, ocean)
    status = esm_set_mask(self%handle, numbers, 2_c_int, shape(ocean, c_int64_t))
  end subroutine set_mask_2

  !> Hand over the host's ocean mask; optional: without it the checkpoint's mask holds. It goes
  !! over as 1 and 0, because C and Fortran agree on no bits for true.
  subroutine set_mask_3(self, ocean, status)
    class(coupler_t), intent(in) :: self
    logical, intent(in) :: ocean(:,:,:) !! (nx_block, ny_block, n_blocks), halo included
    integer, intent(out) :: status      !! ESM_OK or what went wrong
    integer(c_int), allocatable :: numbers(:,:,:)
    allocate(numbers(size(ocean, 1), size(ocean, 2), size(ocean, 3)))
    numbers = merge(1_c_int, 0_c_int, ocean)
    status = esm_set_mask(self%handle, numbers, 3_c_int, shape(ocean, c_int64_t))
  end subroutine set_mask_3

  !> Bind a field of one block; see bind_real64_3.
  subroutine bind_real32_2(self, name, field, status)
    class(coupler_t), intent(in) :: self
    character(len=*), intent(in) :: name              !! name of the field: sic, sit, ...
    real(real32), target, intent(inout) :: field(:,:) !! (nx_block, ny_block), halo included
    integer, intent(out) :: status                    !! ESM_OK or what went wrong
    type(c_ptr) :: address
    address = c_null_ptr
    if (size(field) > 0 .and. is_contiguous(field)) address = c_loc(field(1, 1))
    status = esm_bind(self%handle, c_text(name), address, bytes(storage_size(field)), 2_c_int, &
        shape(field, c_int64_t))
  end subroutine bind_real32_2

  !> Bind a field; see bind_real64_3.
  subroutine bind_real32_3(self, name, field, status)
    class(coupler_t), intent(in) :: self
    character(len=*), intent(in) :: name                !! name of the field: sic, sit, ...
    real(real32), target, intent(inout) :: field(:,:,:) !! (nx_block, ny_block, n_blocks)
    integer, intent(out) :: status                      !! ESM_OK or what went wrong
    type(c_ptr) :: address
    address = c_null_ptr
    if (size(field) > 0 .and. is_contiguous(field)) address = c_loc(field(1, 1, 1))
    status = esm_bind(self%handle, c_text(name), address, bytes(storage_size(field)), 3_c_int, &
        shape(field, c_int64_t))
  end subroutine bind_real32_3

  !> Bind a field of one block; see bind_real64_3.
  subroutine bind_real64_2(self, name, field, status)
    class(coupler_t), intent(in) :: self
    character(len=*), intent(in) :: name              !! name of the field: sic, sit, ...
    real(real64), target, intent(inout) :: field(:,:) !! (nx_block, ny_block), halo included
    integer, intent(out) :: status                    !! ESM_OK or what went wrong
    type(c_ptr) :: address
    address = c_null_ptr
    if (size(field) > 0 .and. is_contiguous(field)) address = c_loc(field(1, 1))
    status = esm_bind(self%handle, c_text(name), address, bytes(storage_size(field)), 2_c_int, &
        shape(field, c_int64_t))
  end subroutine bind_real64_2

  !> Bind a field: generate and step read and write it where it lies, without a copy. An array
  !! that is not contiguous has no single address, so it goes over as null and is refused.
  subroutine bind_real64_3(self, name, field, status)
    class(coupler_t), intent(in) :: self
    character(len=*), intent(in) :: name                !! name of the field: sic, sit, ...
    real(real64), target, intent(inout) :: field(:,:,:) !! (nx_block, ny_block, n_blocks)
    integer, intent(out) :: status                      !! ESM_OK or what went wrong
    type(c_ptr) :: address
    address = c_null_ptr
    if (size(field) > 0 .and. is_contiguous(field)) address = c_loc(field(1, 1, 1))
    status = esm_bind(self%handle, c_text(name), address, bytes(storage_size(field)), 3_c_int, &
        shape(field, c_int64_t))
  end subroutine bind_real64_3

  !> Fill the bound arrays with one ensemble member.
  subroutine generate(self, member, date, status)
    class(coupler_t), intent(in) :: self
    integer, intent(in) :: member  !! ensemble member, from 1
    integer, intent(in) :: date    !! yyyymmdd
    integer, intent(out) :: status !! ESM_OK or what went wrong
    status = esm_generate(self%handle, int(member, c_int), int(date, c_int))
  end subroutine generate

  !> Take the bound arrays forward.
  subroutine step_real64(self, date, seconds, status)
    class(coupler_t), intent(in) :: self
    integer, intent(in) :: date         !! yyyymmdd at the beginning of the step
    real(real64), intent(in) :: seconds !! length of the step [s]
    integer, intent(out) :: status      !! ESM_OK or what went wrong
    status = esm_step(self%handle, int(date, c_int), real(seconds, c_double))
  end subroutine step_real64

  !> The same with a length in single precision.
  subroutine step_real32(self, date, seconds, status)
    class(coupler_t), intent(in) :: self
    integer, intent(in) :: date         !! yyyymmdd at the beginning of the step
    real(real32), intent(in) :: seconds !! length of the step [s]
    integer, intent(out) :: status      !! ESM_OK or what went wrong
    call self%step_real64(date, real(seconds, real64), status)
  end subroutine step_real32

  !> The same with a whole number of seconds.
  subroutine step_integer(self, date, seconds, status)
    class(coupler_t), intent(in) :: self
    integer, intent(in) :: date    !! yyyymmdd at the beginning of the step
    integer, intent(in) :: seconds !! length of the step [s]
    integer, intent(out) :: status !! ESM_OK or what went wrong
    call self%step_real64(date, real(seconds, real64), status)
  end subroutine step_integer

  !> Write what the next step has to know beside the bound fields; with step_mode = 'emulate'.
  subroutine write_restart(self, file, status)
    class(coupler_t), intent(in) :: self
    character(len=*), intent(in) :: file !! path, that of the first rank counts; it is replaced
    integer, intent(out) :: status       !! ESM_OK or what went wrong
    status = esm_write_restart(self%handle, c_text(file))
  end subroutine write_restart

  !> Go on from what write_restart wrote, in place of generate; the fields are the host's to restore.
  subroutine read_restart(self, file, status)
    class(coupler_t), intent(in) :: self
    character(len=*), intent(in) :: file !! path, that of the first rank counts
    integer, intent(out) :: status       !! ESM_OK or what went wrong
    status = esm_read_restart(self%handle, c_text(file))
  end subroutine read_restart

  !> A number about the last generate or step; local to the rank.
  subroutine diagnostic(self, name, value, status)
    class(coupler_t), intent(in) :: self
    character(len=*), intent(in) :: name !! see the coupling guide for the names
    real(real64), intent(out) :: value   !! the number
    integer, intent(out) :: status       !! ESM_OK or what went wrong
    value = 0
    status = esm_diagnostic(self%handle, c_text(name), value)
  end subroutine diagnostic

  !> A text for the host's own files; local to the rank. Empty if there is none: message says why.
  function text_of(self, name) result(text)
    class(coupler_t), intent(in) :: self
    character(len=*), intent(in) :: name !! 'sha256' of the last state (given a log), or 'provenance'
    character(len=:), allocatable :: text
    character(kind=c_char), target :: characters(TEXT_BYTES)
    integer(c_int) :: status
    status = esm_text(self%handle, c_text(name), characters, int(TEXT_BYTES, c_int))
    if (status /= ESM_OK) characters(1) = c_null_char
    text = f_text(c_loc(characters))
  end function text_of

  !> Forget the arrays and free the generator; calls after it give ESM_STOPPED.
  subroutine stop_coupler(self, status)
    class(coupler_t), intent(in) :: self
    integer, intent(out) :: status !! ESM_OK or what went wrong
    status = esm_stop(self%handle)
  end subroutine stop_coupler

  !> The text of this rank's last call: empty, a note, or what went wrong and what to do.
  function message(self) result(text)
    class(coupler_t), intent(in) :: self
    character(len=:), allocatable :: text
    text = f_text(esm_message(self%handle))
  end function message

  !> The text of C that begins at this address.
  function f_text(address) result(text)
    type(c_ptr), intent(in) :: address !! where a null ends it
    character(len=:), allocatable :: text
    character(kind=c_char), pointer :: characters(:)
    integer :: i, length
    length = int(strlen(address))
    allocate(character(len=length) :: text)
    call c_f_pointer(address, characters, [length])
    do i = 1, length
      text(i:i) = characters(i)
    end do
  end function f_text

  pure function c_text(text) result(characters)
    character(len=*), intent(in) :: text
    character(kind=c_char) :: characters(len_trim(text) + 1)
    integer :: i
    do i = 1, len_trim(text)
      characters(i) = text(i:i)
    end do
    characters(size(characters)) = c_null_char
  end function c_text

  pure function bytes(bits)
    integer, intent(in) :: bits
    integer(c_int) :: bytes
    bytes = int(bits / 8, c_int)
  end function bytes
end module esm_coupler
