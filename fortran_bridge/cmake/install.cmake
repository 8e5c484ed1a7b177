# Where users find the bridge: in the folder of the Python package, below site-packages.
set(esm_pkgconfig "${esm_install}/lib/pkgconfig")
set(esm_cmake "${esm_install}/lib/cmake/esm_coupler")

install(TARGETS esm_coupler_c esm_coupler_fortran esm_coupler_stub EXPORT esm_coupler
  LIBRARY DESTINATION "${esm_install}/lib" ARCHIVE DESTINATION "${esm_install}/lib")
install(TARGETS bridge_bench coupling_bench RUNTIME DESTINATION "${esm_install}/bin")
install(FILES include/esm_coupler.h DESTINATION "${esm_install}/include")
install(FILES "${CMAKE_CURRENT_BINARY_DIR}/modules/esm_coupler.mod"
  DESTINATION "${esm_install}/include/${esm_fortran_tag}")
install(FILES src/esm_coupler.F90 DESTINATION "${esm_install}/share/src")
install(DIRECTORY adapters DESTINATION "${esm_install}/share")

install(EXPORT esm_coupler NAMESPACE esm_coupler:: DESTINATION "${esm_cmake}"
  FILE esm_couplerTargets.cmake)
include(CMakePackageConfigHelpers)
configure_package_config_file(cmake/esm_couplerConfig.cmake.in
  "${CMAKE_CURRENT_BINARY_DIR}/esm_couplerConfig.cmake" INSTALL_DESTINATION "${esm_cmake}")
write_basic_package_version_file("${CMAKE_CURRENT_BINARY_DIR}/esm_couplerConfigVersion.cmake"
  VERSION "${esm_version}" COMPATIBILITY SameMinorVersion)
install(FILES "${CMAKE_CURRENT_BINARY_DIR}/esm_couplerConfig.cmake"
  "${CMAKE_CURRENT_BINARY_DIR}/esm_couplerConfigVersion.cmake" DESTINATION "${esm_cmake}")

configure_file(cmake/esm_coupler.pc.in "${CMAKE_CURRENT_BINARY_DIR}/esm_coupler.pc" @ONLY)
install(FILES "${CMAKE_CURRENT_BINARY_DIR}/esm_coupler.pc" DESTINATION "${esm_pkgconfig}")
