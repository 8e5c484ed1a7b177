# What the bridge needs; each lack is told in one sentence.
set(esm_off "or leave the bridge out: pip install . -C cmake.define.ESM_COUPLER_BRIDGE=OFF")

function(esm_require what found packages modules)
  if(NOT ${found})
    message(FATAL_ERROR # the leading blank keeps CMake from breaking the sentence
      " esm_coupler's bridge needs ${what}, which is not here: apt-get install ${packages} "
      "(on a cluster: module load ${modules}), ${esm_off}")
  endif()
endfunction()

include(CheckLanguage)
check_language(C)
esm_require("a C compiler" CMAKE_C_COMPILER "gcc" "gcc")
enable_language(C)
check_language(Fortran)
esm_require("a Fortran compiler" CMAKE_Fortran_COMPILER "gfortran" "gcc, or another compiler")
enable_language(Fortran)

find_package(Threads REQUIRED)
find_package(MPI QUIET COMPONENTS C Fortran)
if(MPI_C_FOUND AND MPI_Fortran_FOUND)
  set(esm_has_mpi ON)
endif()
esm_require("an MPI library with its C and Fortran compilers" esm_has_mpi
  "libopenmpi-dev openmpi-bin" "openmpi")
set(ESM_HAS_MPI_F08 "${MPI_Fortran_HAVE_F08_MODULE}")

set(Python3_FIND_VIRTUALENV FIRST)
set(Python3_FIND_STRATEGY LOCATION)
find_package(Python3 3.10 QUIET COMPONENTS Interpreter Development.Embed)
if(Python3_Development.Embed_FOUND AND Python3_LIBRARIES MATCHES "\\.(so|dylib)")
  set(esm_has_python ON)
endif()
esm_require("Python 3.10 or newer with its headers and shared libpython" esm_has_python
  "python3-dev" "a python that was built with --enable-shared")

execute_process(COMMAND "${Python3_EXECUTABLE}" -c "import cffi"
  RESULT_VARIABLE esm_no_cffi OUTPUT_QUIET ERROR_QUIET)
if(NOT esm_no_cffi)
  set(esm_has_cffi ON)
endif()
esm_require("the Python package cffi in ${Python3_EXECUTABLE}" esm_has_cffi
  "python3-cffi" "a python with cffi")

# A host that is linked to an older libstdc++ than this can't load numpy and torch.
execute_process(COMMAND "${CMAKE_C_COMPILER}" -print-file-name=libstdc++.so.6
  OUTPUT_VARIABLE esm_libstdcxx OUTPUT_STRIP_TRAILING_WHITESPACE ERROR_QUIET)
if(IS_ABSOLUTE "${esm_libstdcxx}")
  file(STRINGS "${esm_libstdcxx}" esm_new_libstdcxx REGEX "^GLIBCXX_3\\.4\\.25$")
  esm_require("a libstdc++ with GLIBCXX_3.4.25 (in place of ${esm_libstdcxx}), as numpy and torch"
    esm_new_libstdcxx "gcc" "gcc/8 or newer")
endif()
