/* message.c: one text per process, because a call made in one OpenMP thread may be asked about in
 * another. A reader gets its own copy, so that a later call of another thread cannot change it. */
#include "message.h"

#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static char message[ESM_MESSAGE_SIZE];

static void cut_between_characters(char *text, size_t length)
{
    while (length > 0 && ((unsigned char)text[length] & 0xC0) == 0x80) {
        length--;
    }
    text[length] = '\0';
}

void esm_set_message(const char *text)
{
    size_t length = strlen(text);
    pthread_mutex_lock(&lock);
    if (length < ESM_MESSAGE_SIZE) {
        memcpy(message, text, length + 1);
    } else {
        memcpy(message, text, ESM_MESSAGE_SIZE);
        cut_between_characters(message, ESM_MESSAGE_SIZE - 1);
    }
    pthread_mutex_unlock(&lock);
}

void esm_format_message(const char *format, ...)
{
    char text[ESM_MESSAGE_SIZE];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    esm_set_message(text);
}

void esm_clear_message(void)
{
    pthread_mutex_lock(&lock);
    message[0] = '\0';
    pthread_mutex_unlock(&lock);
}

void esm_copy_message(char *text)
{
    pthread_mutex_lock(&lock);
    memcpy(text, message, strlen(message) + 1);
    pthread_mutex_unlock(&lock);
}
