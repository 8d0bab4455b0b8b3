# Finds the headers of xsimd and makes the target tocsin::xsimd from them. Used by the build and by
# the installed package. xsimd's own package is not used for two reasons: Debian's target links xtl,
# a header-only library, as -lxtl; its version file refuses every other major version.
find_path(TOCSIN_XSIMD_INCLUDE_DIR xsimd/xsimd.hpp DOC "Folder that holds xsimd/xsimd.hpp")
mark_as_advanced(TOCSIN_XSIMD_INCLUDE_DIR)

include(FindPackageHandleStandardArgs)
find_package_handle_standard_args(tocsin_xsimd REQUIRED_VARS TOCSIN_XSIMD_INCLUDE_DIR)

if(tocsin_xsimd_FOUND AND NOT TARGET tocsin::xsimd)
    add_library(tocsin::xsimd INTERFACE IMPORTED)
    target_include_directories(tocsin::xsimd INTERFACE "${TOCSIN_XSIMD_INCLUDE_DIR}")
endif()
