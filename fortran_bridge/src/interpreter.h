/* interpreter.h: the embedded Python, one per process, started once and never ended. */
#ifndef ESM_INTERPRETER_H
#define ESM_INTERPRETER_H

enum esm_interpreter_state { ESM_PYTHON_ABSENT, ESM_PYTHON_RUNS, ESM_PYTHON_FAILED };

/* Start Python unless it runs; `python` is the namelist's path or empty. A start that failed can't
 * be tried again in the same process and gives the same message. Gives
 * ESM_OK or ESM_INTERPRETER. */
int esm_interpreter_start(const char *python);

enum esm_interpreter_state esm_interpreter_state(void);

#endif
