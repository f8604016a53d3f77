// Nothing here: CMake builds a precompiled header along with some source file, and this is it.
// The headers themselves are listed in cmake/options.cmake.
