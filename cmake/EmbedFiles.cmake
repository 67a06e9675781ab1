# As a script: writes a C++ source that holds the bytes of files.
#   cmake -DOUT=embedded.cpp -DHEADER=include/path.hpp -DNAMESPACE=a::b -DFUNCTION=page_file -DFILES=a.css;b.js -P EmbedFiles.cmake
# `FUNCTION` is declared by HEADER: std::optional<std::string_view> (std::string_view name), the name without its folder.
set(body "")
foreach(file ${FILES})
  get_filename_component(name ${file} NAME)
  file(READ ${file} bytes HEX)
  string(LENGTH "${bytes}" digits)
  math(EXPR size "${digits} / 2")
  string(REGEX REPLACE "([0-9a-f][0-9a-f])" "\\\\x\\1" bytes "${bytes}")
  # Short pieces: a hexadecimal escape never runs into the next one, and lines stay readable for tools.
  string(REGEX REPLACE "((\\\\x[0-9a-f][0-9a-f])(\\\\x[0-9a-f][0-9a-f])?(\\\\x[0-9a-f][0-9a-f])?(\\\\x[0-9a-f][0-9a-f])?(\\\\x[0-9a-f][0-9a-f])?(\\\\x[0-9a-f][0-9a-f])?(\\\\x[0-9a-f][0-9a-f])?(\\\\x[0-9a-f][0-9a-f])?)"
         "    \"\\1\"\n" bytes "${bytes}")
  string(APPEND body "  if (name == \"${name}\") return std::string_view(\n${bytes}    \"\", ${size});\n")
endforeach()
file(WRITE ${OUT} "#include \"${HEADER}\"\n\nnamespace ${NAMESPACE} {\n\nstd::optional<std::string_view> ${FUNCTION}(std::string_view name) {\n${body}  return std::nullopt;\n}\n\n}  // namespace ${NAMESPACE}\n")
