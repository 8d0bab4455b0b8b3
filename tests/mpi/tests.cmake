# Training by MPI: the bits of data_parallel for any number of processes, and the end of one of them.
set(MPI_CXX_SKIP_MPICXX ON)
find_package(MPI QUIET COMPONENTS CXX)
if(NOT MPI_CXX_FOUND OR NOT nlohmann_json_FOUND OR CMAKE_CROSSCOMPILING)
    message(STATUS "tocsin: tests of mpi are left out (needs MPI; Debian: libopenmpi-dev openmpi-bin)")
    return()
endif()
add_executable(tocsin_mpi_training mpi/training.cpp)
target_link_libraries(tocsin_mpi_training PRIVATE tocsin_own MPI::MPI_CXX)
target_include_directories(tocsin_mpi_training PRIVATE "${CMAKE_CURRENT_SOURCE_DIR}")
# In a container everybody is root, and there are fewer processors than processes.
set(mpi_environment OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1
    OMPI_MCA_rmaps_base_oversubscribe=1 OMPI_MCA_btl=self,tcp OMPI_MCA_btl_tcp_if_include=lo)
function(add_mpi_test name processes)
    add_test(NAME mpi.${name} COMMAND ${MPIEXEC_EXECUTABLE} ${MPIEXEC_NUMPROC_FLAG} ${processes}
                                      $<TARGET_FILE:tocsin_mpi_training> ${ARGN})
    set_tests_properties(mpi.${name} PROPERTIES ENVIRONMENT "${mpi_environment}" TIMEOUT 300)
endfunction()
foreach(processes 1 2 4)
    add_mpi_test(equal_${processes} ${processes} equal)
endforeach()
set(checkpoint "${CMAKE_CURRENT_BINARY_DIR}/mpi_checkpoint.safetensors")
add_test(NAME mpi.clean COMMAND ${CMAKE_COMMAND} -E rm -f "${checkpoint}")
add_mpi_test(killed 2 killed "${checkpoint}")
add_mpi_test(resumed 4 resumed "${checkpoint}")
set_tests_properties(mpi.clean PROPERTIES FIXTURES_SETUP mpi_clean)
set_tests_properties(mpi.killed PROPERTIES WILL_FAIL ON FIXTURES_REQUIRED mpi_clean
                                           FIXTURES_SETUP mpi_checkpoint)
set_tests_properties(mpi.resumed PROPERTIES FIXTURES_REQUIRED mpi_checkpoint)
