# tandem_flags: what every target of ours is compiled and linked with.

set(SANITIZE "" CACHE STRING "Sanitizers, as -fsanitize= takes them")
option(FUZZ "Build the fuzz targets with libFuzzer" OFF)
option(COVERAGE "Measure coverage" OFF)
set(PROFILE "" CACHE STRING "generate: programs that count their branches; \
use: optimised by what those counted in this build folder")

add_library(tandem_flags INTERFACE)
target_compile_definitions(tandem_flags INTERFACE
  _GNU_SOURCE TANDEM_VERSION="${PROJECT_VERSION}")
target_compile_options(tandem_flags INTERFACE
  -Wall -Wextra -Wformat=2 -Wshadow -Wstrict-prototypes -Wmissing-prototypes
  -Wold-style-definition -Wpointer-arith -Wcast-qual -Wwrite-strings -Wvla
  -Wundef -Wswitch-enum -fno-common -fno-omit-frame-pointer)
target_include_directories(tandem_flags INTERFACE
  ${PROJECT_SOURCE_DIR} ${PROJECT_BINARY_DIR})

if(SANITIZE)
  target_compile_options(tandem_flags INTERFACE
    -fsanitize=${SANITIZE} -fno-sanitize-recover=all)
  target_link_options(tandem_flags INTERFACE -fsanitize=${SANITIZE})
  target_compile_definitions(tandem_flags INTERFACE TANDEM_SANITIZED=1)
endif()

if(FUZZ)
  target_compile_options(tandem_flags INTERFACE -fsanitize=fuzzer-no-link)
endif()

if(COVERAGE)
  target_compile_options(tandem_flags INTERFACE --coverage)
  target_link_options(tandem_flags INTERFACE --coverage)
endif()

# Counts lie beside the object files, so both builds share the folder
# (deploy/build-profiled). What was not trained is optimised as without. How the
# code is ordered is deploy/order-code's affair, which needs the relocations.
if(PROFILE STREQUAL "generate")
  target_compile_options(tandem_flags INTERFACE -fprofile-generate)
  target_link_options(tandem_flags INTERFACE -fprofile-generate)
elseif(PROFILE STREQUAL "use")
  target_compile_options(tandem_flags INTERFACE
    -fprofile-use -fprofile-partial-training -Wno-missing-profile
    -Wno-error=coverage-mismatch -fno-reorder-blocks-and-partition)
  target_link_options(tandem_flags INTERFACE
    -fprofile-use -fno-reorder-blocks-and-partition -Wl,--emit-relocs)
elseif(PROFILE)
  message(FATAL_ERROR "PROFILE is generate or use, not ${PROFILE}")
endif()

# Asserts stay on in release: a daemon that meets its own bug stops and is
# restarted, so NDEBUG is nowhere defined (see CMAKE_C_FLAGS_RELWITHDEBINFO in
# the presets).
if(CMAKE_BUILD_TYPE STREQUAL "RelWithDebInfo")
  target_compile_options(tandem_flags INTERFACE
    -fstack-protector-strong -D_FORTIFY_SOURCE=3 -fPIE)
  target_link_options(tandem_flags INTERFACE -pie -Wl,-z,relro,-z,now)
  # Structures are cleared and copied by the hundred bytes, and the processor's
  # own instruction for that takes its time to begin.
  if(CMAKE_C_COMPILER_ID STREQUAL "GNU" AND
     CMAKE_SYSTEM_PROCESSOR MATCHES "^(x86_64|amd64)$")
    target_compile_options(tandem_flags INTERFACE
      -mmemset-strategy=vector_loop:1024:noalign,libcall:-1:noalign
      -mmemcpy-strategy=vector_loop:1024:noalign,libcall:-1:noalign)
  endif()
endif()
