# Every foreign library, as an imported target.

find_package(PkgConfig REQUIRED)
find_package(Threads REQUIRED)

pkg_check_modules(UV REQUIRED IMPORTED_TARGET libuv>=1.44)
pkg_check_modules(PROTOBUF_C REQUIRED libprotobuf-c>=1.4)
pkg_check_modules(CONFUSE REQUIRED IMPORTED_TARGET libconfuse>=3.3)
pkg_check_modules(MHD REQUIRED IMPORTED_TARGET libmicrohttpd>=0.9.75)
pkg_check_modules(JANSSON REQUIRED IMPORTED_TARGET jansson>=2.14)
pkg_check_modules(LIBPQ REQUIRED IMPORTED_TARGET libpq>=15)
pkg_check_modules(SECCOMP REQUIRED IMPORTED_TARGET libseccomp>=2.5)
pkg_check_modules(TLS REQUIRED IMPORTED_TARGET openssl zlib)
pkg_check_modules(SYSTEMD IMPORTED_TARGET libsystemd)
pkg_check_modules(RE REQUIRED libre>=1.1)
find_library(RE_ARCHIVE libre.a REQUIRED)
# A twentieth of a call is its code: as an archive it lies beside ours.
find_library(PROTOBUF_C_ARCHIVE libprotobuf-c.a REQUIRED)
find_program(PROTOC_C protoc-c REQUIRED)

if(BUILD_TESTING)
  pkg_check_modules(ZMQ REQUIRED IMPORTED_TARGET libzmq>=4.3) # the other end
  pkg_check_modules(CMOCKA REQUIRED IMPORTED_TARGET cmocka>=1.1)
endif()
