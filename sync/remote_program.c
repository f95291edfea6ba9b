#include "sync/remote_program.h"

#include <errno.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "formats/buf.h"

/* ---- where ------------------------------------------------------------------------------- */

struct place { char host[256], port[8], path[4096]; bool is_local; };

/* Neither may be taken for an option by the program that it is handed to. */
static int check(const struct place *p)
{
	if (p->host[0] == '-' || p->path[0] == '-' || (!p->is_local && (p->host[0] == '\0' || p->path[0] == '\0')))
		return -1;
	return strspn(p->port, "0123456789") == strlen(p->port) ? 0 : -1;
}

/* ssh://[USER@]HOST[:PORT]/PATH; /~ stands for a path below the home folder. */
static int read_url(struct place *p, const char *rest)
{
	const char *slash = strchr(rest, '/'), *colon;
	size_t n = slash ? (size_t)(slash - rest) : 0;

	if (slash == NULL || n >= sizeof p->host)
		return -1;
	snprintf(p->host, sizeof p->host, "%.*s", (int)n, rest);
	colon = strrchr(p->host, ':');
	if (colon != NULL && strchr(colon, ']') == NULL) {
		snprintf(p->port, sizeof p->port, "%s", colon + 1);
		p->host[colon - p->host] = '\0';
	}
	snprintf(p->path, sizeof p->path, "%s", slash[1] == '~' ? slash + 1 : slash);
	return 0;
}

static int read_place(struct place *p, const char *text)
{
	const char *colon = strchr(text, ':'), *slash = strchr(text, '/');

	memset(p, 0, sizeof *p);
	if (strlen(text) >= sizeof p->path)
		return -1;
	if (strncmp(text, "ssh://", 6) == 0) {
		if (read_url(p, text + 6) < 0)
			return -1;
	} else if (colon != NULL && (slash == NULL || colon < slash) && (size_t)(colon - text) < sizeof p->host) {
		snprintf(p->host, sizeof p->host, "%.*s", (int)(colon - text), text);
		snprintf(p->path, sizeof p->path, "%s", colon + 1);
	} else {
		p->is_local = true;
		snprintf(p->path, sizeof p->path, "%s%s", *text == '-' ? "./" : "", text);
	}
	return check(p);
}

/* ---- the program --------------------------------------------------------------------------- */

struct program {
	git_smart_subtransport base;
	git_smart_subtransport_stream stream;
	const char *place;
	pid_t pid;
	int fd;         /* both ways; -1: not running */
	bool is_streaming;
};

/* 'path' for a shell, as git writes it. */
static void quote(char *out, size_t size, const char *service, const char *path)
{
	size_t n = (size_t)snprintf(out, size, "%s '", service);

	for (const char *p = path; *p != '\0' && n + 6 < size; p++) {
		if (*p == '\'' || *p == '!')
			n += (size_t)snprintf(out + n, size - n, "'\\%c'", *p);
		else
			out[n++] = *p;
	}
	snprintf(out + n, size - n, "'");
}

/* What belongs to a repository that somebody stands in is not about the one that is meant here. */
static void forget_surroundings(void)
{
	static const char *const names[] = { "GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_OBJECT_DIRECTORY",
		"GIT_ALTERNATE_OBJECT_DIRECTORIES", "GIT_COMMON_DIR", "GIT_NAMESPACE", "GIT_PREFIX", "GIT_PROTOCOL" };

	for (size_t i = 0; i < sizeof names / sizeof *names; i++)
		unsetenv(names[i]);
}

static void exec_ssh(const struct place *p, const char *service)
{
	const char *command = getenv("GIT_SSH_COMMAND"), *ssh = getenv("GIT_SSH");
	char remote[sizeof p->path * 4 + 64], whole[8192];
	const char *argv[8];
	int n = 0;

	quote(remote, sizeof remote, service, p->path);
	argv[n++] = ssh && *ssh ? ssh : "ssh";
	if (p->port[0] != '\0') {
		argv[n++] = "-p";
		argv[n++] = p->port;
	}
	argv[n++] = p->host;
	argv[n++] = remote;
	argv[n] = NULL;
	if (command != NULL && *command != '\0') { /* a shell's, with arguments of its own */
		const char *sh[16] = { "sh", "-c", whole, command };

		snprintf(whole, sizeof whole, "%s \"$@\"", command);
		memcpy(&sh[4], &argv[1], (size_t)n * sizeof *sh);
		execvp("sh", (char *const *)(uintptr_t)sh);
	} else {
		execvp(argv[0], (char *const *)(uintptr_t)argv);
	}
}

static void exec_program(const struct place *p, const char *service, int fd)
{
	if (dup2(fd, STDIN_FILENO) < 0 || dup2(fd, STDOUT_FILENO) < 0)
		_exit(127);
	signal(SIGPIPE, SIG_DFL);
	if (p->is_local) {
		forget_surroundings();
		execlp("git", "git", service + strlen("git-"), p->path, (char *)NULL);
		fprintf(stderr, "git: %s; a repository on this machine is reached through it\n", strerror(errno));
	} else {
		exec_ssh(p, service);
		fprintf(stderr, "ssh: %s\n", strerror(errno));
	}
	_exit(127);
}

static int fail(const char *words)
{
	git_error_set_str(GIT_ERROR_NET, words);
	return -1;
}

static int start(struct program *p, const char *service)
{
	struct place place;
	int pair[2];

	if (read_place(&place, p->place) < 0)
		return fail("this is no place that git could reach");
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) < 0)
		return fail(strerror(errno));
	p->pid = fork();
	if (p->pid == 0)
		exec_program(&place, service, pair[1]);
	close(pair[1]);
	p->fd = pair[0];
	if (p->pid < 0) {
		close(p->fd);
		p->fd = -1;
		return fail(strerror(errno));
	}
	return 0;
}

/* ---- the stream ------------------------------------------------------------------------------ */

static struct program *program_of(git_smart_subtransport_stream *stream)
{
	return (struct program *)stream->subtransport;
}

static int stream_read(git_smart_subtransport_stream *stream, char *buffer, size_t size, size_t *out)
{
	ssize_t n;

	do
		n = recv(program_of(stream)->fd, buffer, size, 0);
	while (n < 0 && errno == EINTR);
	*out = n > 0 ? (size_t)n : 0;
	return n < 0 ? fail(strerror(errno)) : 0;
}

static int stream_write(git_smart_subtransport_stream *stream, const char *buffer, size_t len)
{
	while (len > 0) {
		ssize_t n = send(program_of(stream)->fd, buffer, len, MSG_NOSIGNAL);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return fail("the other side has gone");
		buffer += n;
		len -= (size_t)n;
	}
	return 0;
}

static void stream_free(git_smart_subtransport_stream *stream)
{
	program_of(stream)->is_streaming = false; /* it is a part of its transport, and ends with it */
}

/* ---- the transport ----------------------------------------------------------------------------- */

static int program_close(git_smart_subtransport *base)
{
	struct program *p = (struct program *)base;

	if (p->fd >= 0) {
		close(p->fd);
		p->fd = -1;
		while (waitpid(p->pid, NULL, 0) < 0 && errno == EINTR)
			;
	}
	return 0;
}

static void program_free(git_smart_subtransport *base)
{
	program_close(base);
	free(base);
}

static int program_action(git_smart_subtransport_stream **out, git_smart_subtransport *base, const char *url,
		git_smart_service_t action)
{
	struct program *p = (struct program *)base;

	(void)url;
	if (action == GIT_SERVICE_UPLOADPACK_LS || action == GIT_SERVICE_RECEIVEPACK_LS) {
		program_close(base);
		if (start(p, action == GIT_SERVICE_UPLOADPACK_LS ? "git-upload-pack" : "git-receive-pack") < 0)
			return -1;
	}
	if (p->fd < 0)
		return fail("the connection has ended");
	p->stream = (git_smart_subtransport_stream){ .subtransport = base, .read = stream_read, .write = stream_write,
		.free = stream_free };
	p->is_streaming = true;
	*out = &p->stream;
	return 0;
}

static int program_new(git_smart_subtransport **out, git_transport *owner, void *place)
{
	struct program *p = calloc(1, sizeof *p);

	(void)owner;
	if (p == NULL)
		return fail("out of memory");
	p->base = (git_smart_subtransport){ .action = program_action, .close = program_close, .free = program_free };
	p->place = place;
	p->fd = -1;
	*out = &p->base;
	return 0;
}

int cp_remote_transport(git_transport **out, git_remote *owner, void *place)
{
	git_smart_subtransport_definition definition = { .callback = program_new, .rpc = 0, .param = place };

	return git_transport_smart(out, owner, &definition);
}
