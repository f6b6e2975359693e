# The kinds of target this project has.

# tandem_library(NAME SOURCES file... HEADERS file... LINKS target...)
# A static library of ours. Every header compiles alone
# (all_verify_interface_header_sets).
function(tandem_library name)
  cmake_parse_arguments(L "" "" "SOURCES;HEADERS;LINKS" ${ARGN})
  add_library(${name} STATIC ${L_SOURCES})
  target_sources(${name} PUBLIC FILE_SET HEADERS
    BASE_DIRS ${PROJECT_SOURCE_DIR} FILES ${L_HEADERS})
  target_link_libraries(${name} PUBLIC tandem_flags ${L_LINKS})
endfunction()

# tandem_program(NAME SOURCES file... LINKS target...)
# A program of ours; it is installed beside its siblings, where the
# supervisor looks for them.
function(tandem_program name)
  cmake_parse_arguments(P "" "" "SOURCES;LINKS" ${ARGN})
  add_executable(${name} ${P_SOURCES})
  target_link_libraries(${name} PRIVATE tandem_flags ${P_LINKS})
  set_target_properties(${name} PROPERTIES
    RUNTIME_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR}/bin)
endfunction()

# add_unit_test(NAME SOURCES file... [LIBS target...])
# A test of one module, whose folder this is: test_NAME.c beside this
# CMakeLists.txt, in CTest as unit.MODULE.NAME. SOURCES is
# every file of ours that it needs: a list that grows says the module knows
# too much. It runs twice: as it is, and once more with each allocation in
# turn failing (test/support/failmalloc.c).
function(add_unit_test name)
  cmake_parse_arguments(T "NO_FAILMALLOC" "" "SOURCES;LIBS" ${ARGN})
  list(TRANSFORM T_SOURCES PREPEND ${PROJECT_SOURCE_DIR}/)
  add_executable(test_${name} test_${name}.c ${T_SOURCES})
  target_link_libraries(test_${name} PRIVATE
    tandem_flags test_support PkgConfig::CMOCKA ${T_LIBS})
  get_filename_component(module ${CMAKE_CURRENT_SOURCE_DIR} NAME)
  set(test unit.${module}.${name})
  add_test(NAME ${test} COMMAND test_${name})
  set_tests_properties(${test} PROPERTIES LABELS unit TIMEOUT 300)
  if(NOT T_NO_FAILMALLOC)
    add_test(NAME ${test}.failmalloc COMMAND test_${name})
    set_tests_properties(${test}.failmalloc PROPERTIES
      LABELS unit TIMEOUT 300 ENVIRONMENT "TANDEM_FAILMALLOC=1")
  endif()
endfunction()

# add_fuzz_target(NAME SOURCES file... [SEEDS folder...] [LIBS target...])
# fuzz_NAME.c beside this CMakeLists.txt. With FUZZ it is a libFuzzer program
# (fuzz-smoke: 60 s); without, it replays the seeds of corpus/NAME. SEEDS are
# folders of other tests whose files are seeds too.
function(add_fuzz_target name)
  cmake_parse_arguments(F "" "" "SOURCES;SEEDS;LIBS" ${ARGN})
  list(TRANSFORM F_SOURCES PREPEND ${PROJECT_SOURCE_DIR}/)
  add_executable(fuzz_${name} fuzz_${name}.c ${F_SOURCES})
  target_link_libraries(fuzz_${name} PRIVATE tandem_flags ${F_LIBS})
  set(corpus ${CMAKE_CURRENT_SOURCE_DIR}/corpus/${name} ${F_SEEDS})
  if(FUZZ)
    target_link_options(fuzz_${name} PRIVATE -fsanitize=fuzzer)
    set(grown ${CMAKE_CURRENT_BINARY_DIR}/corpus/${name})
    file(MAKE_DIRECTORY ${grown})
    add_test(NAME fuzz.${name} COMMAND fuzz_${name}
      -max_total_time=60 -timeout=5 -rss_limit_mb=2048 -print_final_stats=1
      -artifact_prefix=${CMAKE_CURRENT_BINARY_DIR}/ ${grown} ${corpus})
    set_tests_properties(fuzz.${name} PROPERTIES
      LABELS fuzz-smoke TIMEOUT 300)
  else()
    target_sources(fuzz_${name} PRIVATE
      ${PROJECT_SOURCE_DIR}/test/fuzz/replay.c)
    add_test(NAME replay.${name} COMMAND fuzz_${name} ${corpus})
    set_tests_properties(replay.${name} PROPERTIES LABELS unit TIMEOUT 300)
  endif()
endfunction()
