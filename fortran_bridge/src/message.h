/* message.h: the text of this rank's last call. */
#ifndef ESM_MESSAGE_H
#define ESM_MESSAGE_H

enum { ESM_MESSAGE_SIZE = 16384 };

/* Replace the text; what does not fit is cut between UTF-8 characters. Python calls this too. */
void esm_set_message(const char *text);

/* The same with a printf format. */
void esm_format_message(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* Empty the text: a call begins. */
void esm_clear_message(void);

/* Copy the text into `text`, which has ESM_MESSAGE_SIZE bytes. */
void esm_copy_message(char *text);

#endif
