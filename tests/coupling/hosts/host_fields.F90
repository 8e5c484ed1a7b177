!> Blocks and fields of the scripted host, and their way from and to files of the global grid.
module host_fields
  use, intrinsic :: ieee_arithmetic, only: ieee_quiet_nan, ieee_value
  use, intrinsic :: iso_fortran_env, only: real32, real64
  implicit none
  private
  public :: blocks_t, field_t, read_blocks, make_field, load_field, save_field, dump_field, &
      touched_edges

  !> What lies in every halo and padding cell. No sea ice looks like it.
  real(real64), parameter, public :: EDGE = -12345.0_real64

  type :: blocks_t
    integer :: nx_global = 0, ny_global = 0, halo = 0
    integer, allocatable :: i_first(:), j_first(:), nx(:), ny(:)
  end type blocks_t

  !> One field: single or double, of which only one is allocated.
  type :: field_t
    character(len=32) :: name = ''
    integer :: kind = 0, rank = 0
    real(real32), allocatable :: single(:,:,:)
    real(real64), allocatable :: double(:,:,:)
  end type field_t

contains

  !> Read this rank's lines "rank i_first j_first nx ny" of a block table.
  subroutine read_blocks(path, rank, blocks)
    character(len=*), intent(in) :: path
    integer, intent(in) :: rank
    type(blocks_t), intent(inout) :: blocks
    integer :: unit, stat, line(5)
    integer, allocatable :: own(:,:)
    allocate(own(4, 0))
    open(newunit=unit, file=path, action='read')
    do
      read(unit, *, iostat=stat) line
      if (stat /= 0) exit
      if (line(1) == rank) own = reshape([own, line(2:5)], [4, size(own, 2) + 1])
    end do
    close(unit)
    blocks%i_first = own(1, :)
    blocks%j_first = own(2, :)
    blocks%nx = own(3, :)
    blocks%ny = own(4, :)
  end subroutine read_blocks

  !> Allocate a field for this rank's blocks, `pad` cells larger than needed in x and y.
  subroutine make_field(field, blocks, name, kind, rank, pad)
    type(field_t), intent(inout) :: field
    type(blocks_t), intent(in) :: blocks
    character(len=*), intent(in) :: name
    integer, intent(in) :: kind, rank, pad(2)
    integer :: extent(3)
    extent = [maxval([0, blocks%nx]) + 2 * blocks%halo + pad(1), &
        maxval([0, blocks%ny]) + 2 * blocks%halo + pad(2), size(blocks%nx)]
    if (extent(3) == 0) extent = 0
    field%name = name
    field%kind = kind
    field%rank = rank
    if (allocated(field%single)) deallocate(field%single)
    if (allocated(field%double)) deallocate(field%double)
    if (kind == 4) allocate(field%single(extent(1), extent(2), extent(3)), source=real(EDGE, real32))
    if (kind == 8) allocate(field%double(extent(1), extent(2), extent(3)), source=EDGE)
  end subroutine make_field

  !> Fill the interior from a file of the whole grid, real64 in Fortran order.
  subroutine load_field(field, blocks, path)
    type(field_t), intent(inout) :: field
    type(blocks_t), intent(in) :: blocks
    character(len=*), intent(in) :: path
    real(real64), allocatable :: whole(:,:)
    integer :: unit, n, i, j, h
    allocate(whole(blocks%nx_global, blocks%ny_global))
    open(newunit=unit, file=path, access='stream', form='unformatted', action='read')
    read(unit) whole
    close(unit)
    h = blocks%halo
    do n = 1, size(blocks%nx)
      do j = 1, blocks%ny(n)
        do i = 1, blocks%nx(n)
          call put(field, h + i, h + j, n, whole(blocks%i_first(n) + i - 1, blocks%j_first(n) + j - 1))
        end do
      end do
    end do
  end subroutine load_field

  !> Write the interior to a file of the whole grid; NaN where this rank owns nothing.
  subroutine save_field(field, blocks, path)
    type(field_t), intent(in) :: field
    type(blocks_t), intent(in) :: blocks
    character(len=*), intent(in) :: path
    real(real64), allocatable :: whole(:,:)
    integer :: unit, n, i, j, h
    allocate(whole(blocks%nx_global, blocks%ny_global))
    whole = ieee_value(1.0_real64, ieee_quiet_nan)
    h = blocks%halo
    do n = 1, size(blocks%nx)
      do j = 1, blocks%ny(n)
        do i = 1, blocks%nx(n)
          whole(blocks%i_first(n) + i - 1, blocks%j_first(n) + j - 1) = get(field, h + i, h + j, n)
        end do
      end do
    end do
    open(newunit=unit, file=path, access='stream', form='unformatted', status='replace')
    write(unit) whole
    close(unit)
  end subroutine save_field

  !> Write the whole array as real64, halo and padding included, as it lies in memory.
  subroutine dump_field(field, path)
    type(field_t), intent(in) :: field
    character(len=*), intent(in) :: path
    integer :: unit
    open(newunit=unit, file=path, access='stream', form='unformatted', status='replace')
    if (field%kind == 4) write(unit) real(field%single, real64)
    if (field%kind == 8) write(unit) field%double
    close(unit)
  end subroutine dump_field

  !> The number of halo and padding cells that no longer hold EDGE.
  integer function touched_edges(field, blocks) result(touched)
    type(field_t), intent(in) :: field
    type(blocks_t), intent(in) :: blocks
    integer :: n, i, j, h, extent(3)
    logical :: inside
    if (field%kind == 4) extent = shape(field%single)
    if (field%kind == 8) extent = shape(field%double)
    h = blocks%halo
    touched = 0
    do n = 1, extent(3)
      do j = 1, extent(2)
        do i = 1, extent(1)
          inside = i > h .and. i <= h + blocks%nx(n) .and. j > h .and. j <= h + blocks%ny(n)
          if (.not. inside .and. get(field, i, j, n) /= EDGE) touched = touched + 1
        end do
      end do
    end do
  end function touched_edges

  real(real64) function get(field, i, j, n)
    type(field_t), intent(in) :: field
    integer, intent(in) :: i, j, n
    if (field%kind == 4) then
      get = real(field%single(i, j, n), real64)
    else
      get = field%double(i, j, n)
    end if
  end function get

  subroutine put(field, i, j, n, value)
    type(field_t), intent(inout) :: field
    integer, intent(in) :: i, j, n
    real(real64), intent(in) :: value
    if (field%kind == 4) then
      field%single(i, j, n) = real(value, real32)
    else
      field%double(i, j, n) = value
    end if
  end subroutine put
end module host_fields
