# Install rules. Nothing depends on the architecture, so everything but the headers goes to share/; with
# tocsin::compiled, its library goes to lib/.
include(GNUInstallDirs)
include(CMakePackageConfigHelpers)

set(package_dir "${CMAKE_INSTALL_DATADIR}/cmake/tocsin")
install(
    TARGETS tocsin
    EXPORT tocsinTargets
    FILE_SET HEADERS DESTINATION "${CMAKE_INSTALL_INCLUDEDIR}"
    FILE_SET json_headers DESTINATION "${CMAKE_INSTALL_INCLUDEDIR}"
    FILE_SET mpi_headers DESTINATION "${CMAKE_INSTALL_INCLUDEDIR}")
set(any_architecture ARCH_INDEPENDENT)
if(TARGET tocsin_compiled)
    install(TARGETS tocsin_compiled EXPORT tocsinTargets
            ARCHIVE DESTINATION "${CMAKE_INSTALL_LIBDIR}")
    set(any_architecture)
endif()
install(EXPORT tocsinTargets NAMESPACE tocsin:: DESTINATION "${package_dir}")
configure_package_config_file(
    "${CMAKE_CURRENT_LIST_DIR}/tocsinConfig.cmake.in" "${PROJECT_BINARY_DIR}/tocsinConfig.cmake"
    INSTALL_DESTINATION "${package_dir}")
# Before 1.0 every minor version may break its users.
write_basic_package_version_file(
    "${PROJECT_BINARY_DIR}/tocsinConfigVersion.cmake" COMPATIBILITY SameMinorVersion ${any_architecture})
install(FILES "${PROJECT_BINARY_DIR}/tocsinConfig.cmake"
              "${PROJECT_BINARY_DIR}/tocsinConfigVersion.cmake"
              "${CMAKE_CURRENT_LIST_DIR}/Findtocsin_xsimd.cmake"
        DESTINATION "${package_dir}")

# The prefix is derived from the location of the .pc file, so that the installed tree can be moved.
set(pkgconfig_dir "${CMAKE_INSTALL_DATADIR}/pkgconfig")
file(RELATIVE_PATH pcfile_to_prefix "/prefix/${pkgconfig_dir}" "/prefix")
string(REGEX REPLACE "/$" "" pcfile_to_prefix "${pcfile_to_prefix}")
set(pkgconfig_definitions "")
if(NOT TOCSIN_XSIMD)
    set(pkgconfig_definitions " -DTOCSIN_NO_XSIMD")
endif()
configure_file("${CMAKE_CURRENT_LIST_DIR}/tocsin.pc.in" "${PROJECT_BINARY_DIR}/tocsin.pc" @ONLY)
install(FILES "${PROJECT_BINARY_DIR}/tocsin.pc" DESTINATION "${pkgconfig_dir}")

install(FILES "${PROJECT_SOURCE_DIR}/LICENSE" DESTINATION "${CMAKE_INSTALL_DOCDIR}")
