# Makes a C file of text files: cmake -DOUT=FILE.c -DIN=NAME.css,NAME.js -P embed.cmake, run where they are.
# Each becomes a string that is called as the file is, with a line for its dot.
set(code "#include \"batch/gallery_page.h\"\n")
string(REPLACE "," ";" IN "${IN}")
foreach(name IN LISTS IN)
    file(READ ${name} hex HEX)
    string(REGEX REPLACE "(..)" "\\\\x\\1" text "${hex}")
    string(REGEX REPLACE "0a(\\\\|$)" "0a\"\n\"\\1" text "${text}")
    string(MAKE_C_IDENTIFIER ${name} identifier)
    string(APPEND code "const char ${identifier}[] =\n\"${text}\";\n")
endforeach()
file(WRITE ${OUT} "${code}")
