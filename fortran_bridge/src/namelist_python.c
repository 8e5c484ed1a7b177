/* namelist_python.c: reads `python = '...'` in &coupler_nml, and nothing else. */
#include "namelist_python.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum { LARGEST_NAMELIST = 1 << 20, NAME_SIZE = 64 };

static char *read_text(const char *path)
{
    FILE *file = fopen(path, "rb");
    char *text = file ? malloc(LARGEST_NAMELIST + 1) : NULL;
    if (text) {
        text[fread(text, 1, LARGEST_NAMELIST, file)] = '\0';
    }
    if (file) {
        fclose(file);
    }
    return text;
}

/* Past a quoted text; a doubled quote inside stands for one. Copies it where `copy` is given. */
static const char *skip_quoted(const char *at, char *copy, size_t size)
{
    char quote = *at++;
    size_t length = 0;
    for (; *at && (*at != quote || at[1] == quote); at++) {
        if (*at == quote) {
            at++;
        }
        if (copy && length + 1 < size) {
            copy[length++] = *at;
        }
    }
    if (copy) {
        copy[length] = '\0';
    }
    return *at ? at + 1 : at;
}

static const char *skip_blank(const char *at)
{
    while (isspace((unsigned char)*at) || *at == '!') {
        at += *at == '!' ? strcspn(at, "\n") : 1;
    }
    return at;
}

static const char *read_name(const char *at, char name[NAME_SIZE])
{
    size_t length = 0;
    for (; isalnum((unsigned char)*at) || *at == '_'; at++) {
        if (length + 1 < NAME_SIZE) {
            name[length++] = *at;
        }
    }
    name[length] = '\0';
    return at;
}

/* One step inside a group: past a quoted text, a number or sign, or a name with its value. */
static const char *next_item(const char *at, char *python, size_t size)
{
    char name[NAME_SIZE];
    if (*at == '\'' || *at == '"') {
        return skip_quoted(at, NULL, 0);
    }
    if (!isalpha((unsigned char)*at)) {
        return at + 1;
    }
    at = skip_blank(read_name(at, name));
    if (*at != '=' || strcasecmp(name, "python") != 0) {
        return at;
    }
    at = skip_blank(at + 1);
    return *at == '\'' || *at == '"' ? skip_quoted(at, python, size) : at;
}

static const char *read_group(const char *at, char *python, size_t size)
{
    for (at = skip_blank(at); *at && *at != '/' && *at != '&'; at = skip_blank(at)) {
        at = next_item(at, python, size);
    }
    return at;
}

void esm_namelist_python(const char *path, char *python, size_t size)
{
    char *text = read_text(path), group[NAME_SIZE], ignored[1];
    const char *at = text;
    python[0] = '\0';
    while (at && *(at = skip_blank(at))) {
        if (*at != '&') {
            at = next_item(at, ignored, sizeof ignored);
            continue;
        }
        at = read_name(at + 1, group);
        int wanted = strcasecmp(group, "coupler_nml") == 0;
        at = read_group(at, wanted ? python : ignored, wanted ? size : sizeof ignored);
    }
    free(text);
}
