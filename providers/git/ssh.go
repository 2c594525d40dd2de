package git

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"strings"
	"time"

	"github.com/skeema/knownhosts"
	"golang.org/x/crypto/ssh"
	"golang.org/x/crypto/ssh/agent"
	xknownhosts "golang.org/x/crypto/ssh/knownhosts"

	"github.com/gantrycd/gantry/plan/source"
	"github.com/gantrycd/gantry/providers"
)

// sshUser is the user where neither the URL nor Auth names one: git hosts all
// have it.
const sshUser = "git"

// handshakeTimeout is how long logging in may take.
const handshakeTimeout = 30 * time.Second

// dialSSH logs in to a server and starts git's upload-pack there.
func dialSSH(ctx context.Context, at address, auth *source.Auth, options Options) (remote, error) {
	hostPort := at.hostPort(22)
	config := &ssh.ClientConfig{User: at.user}
	if config.User == "" && auth != nil {
		config.User = auth.Username
	}
	if config.User == "" {
		config.User = sshUser
	}
	if err := trustHosts(config, hostPort, auth, options); err != nil {
		return nil, err
	}
	methods, closeAgent, err := sshMethods(ctx, auth, options)
	if err != nil {
		return nil, err
	}
	defer closeAgent()
	config.Auth = methods
	connection, err := connect(ctx, hostPort, options.Hosts)
	if err != nil {
		return nil, err
	}
	client, err := handshake(ctx, connection, hostPort, config)
	if err != nil {
		_ = connection.Close()
		return nil, err
	}
	s, err := uploadPack(ctx, client, at.path)
	if err != nil {
		_ = client.Close()
		return nil, fetchError(ctx, err)
	}
	return s, nil
}

// handshake checks the host's key and logs in.
func handshake(ctx context.Context, connection net.Conn, hostPort string, config *ssh.ClientConfig) (*ssh.Client, error) {
	stop := context.AfterFunc(ctx, func() { _ = connection.Close() })
	defer stop()
	if err := connection.SetDeadline(time.Now().Add(handshakeTimeout)); err != nil {
		return nil, err
	}
	secure, channels, requests, err := ssh.NewClientConn(connection, hostPort, config)
	if err != nil {
		return nil, handshakeError(ctx, hostPort, config.User, err)
	}
	if err := connection.SetDeadline(time.Time{}); err != nil {
		return nil, err
	}
	return ssh.NewClient(secure, channels, requests), nil
}

func handshakeError(ctx context.Context, hostPort, user string, err error) error {
	var key *xknownhosts.KeyError
	var revoked *xknownhosts.RevokedError
	switch {
	case ctx.Err() != nil:
		return context.Cause(ctx)
	case errors.As(err, &revoked):
		return fmt.Errorf("%w: the key of host %s is revoked in known_hosts", providers.ErrUnreachable, hostPort)
	case errors.As(err, &key) && len(key.Want) > 0:
		return fmt.Errorf("%w: host %s has another key than known_hosts says: either it was changed, or someone is in between; nothing was sent", providers.ErrUnreachable, hostPort)
	case errors.As(err, &key):
		return fmt.Errorf("%w: the key of host %s is not in known_hosts; add it there, or give it as the repository's known hosts", providers.ErrUnreachable, hostPort)
	case strings.Contains(err.Error(), "unable to authenticate"):
		return fmt.Errorf("%w: host %s refused the key or password of user %s", providers.ErrUnauthorized, hostPort, user)
	default:
		return fetchError(ctx, err)
	}
}

// uploadPack starts git's side on the server.
func uploadPack(ctx context.Context, client *ssh.Client, path string) (*stream, error) {
	session, err := client.NewSession()
	if err != nil {
		return nil, err
	}
	in, err := session.StdoutPipe()
	if err != nil {
		return nil, err
	}
	out, err := session.StdinPipe()
	if err != nil {
		return nil, err
	}
	words, err := session.StderrPipe()
	if err != nil {
		return nil, err
	}
	if err := session.Start("git-upload-pack " + shellQuote(path)); err != nil {
		return nil, err
	}
	heard := listen(words)
	return newStream(ctx, in, out, heard, func() error {
		err := errors.Join(ignoreClosed(session.Close()), ignoreClosed(client.Close()))
		<-heard.done // ends with the connection
		return err
	}), nil
}

func ignoreClosed(err error) error {
	if errors.Is(err, io.EOF) || errors.Is(err, net.ErrClosed) {
		return nil
	}
	return err
}

// shellQuote quotes a path for the shell that the server perhaps runs.
func shellQuote(path string) string {
	return "'" + strings.NewReplacer("'", `'\''`, "!", `'\!'`).Replace(path) + "'"
}

// sshMethods are the ways to log in: what Auth holds, or the agent where it
// holds nothing. What is returned must be called after the login.
func sshMethods(ctx context.Context, auth *source.Auth, options Options) ([]ssh.AuthMethod, func(), error) {
	nothing := func() {}
	if auth != nil && auth.SSHKey != "" {
		signer, err := ssh.ParsePrivateKey([]byte(auth.SSHKey.Reveal()))
		var locked *ssh.PassphraseMissingError
		switch {
		case errors.As(err, &locked):
			return nil, nil, errors.New("the ssh key has a passphrase; give one without, or use an ssh agent")
		case err != nil: // with no words of the key
			return nil, nil, errors.New("the ssh key is not a private key in PEM or OpenSSH form")
		}
		return []ssh.AuthMethod{ssh.PublicKeys(signer)}, nothing, nil
	}
	if auth != nil && (auth.Password != "" || auth.Token != "") {
		secret := auth.Password.Reveal()
		if auth.Token != "" {
			secret = auth.Token.Reveal()
		}
		return []ssh.AuthMethod{ssh.Password(secret)}, nothing, nil
	}
	if options.SSHAuthSock == "" {
		return nil, nil, fmt.Errorf("%w: there is no ssh key for it, and no ssh agent runs", providers.ErrUnauthorized)
	}
	var dialer net.Dialer
	connection, err := dialer.DialContext(ctx, "unix", options.SSHAuthSock)
	if err != nil {
		return nil, nil, fmt.Errorf("%w: the ssh agent does not answer: %w", providers.ErrUnauthorized, err)
	}
	keys := agent.NewClient(connection)
	return []ssh.AuthMethod{ssh.PublicKeysCallback(keys.Signers)}, func() { _ = connection.Close() }, nil
}

// trustHosts makes the known hosts the only ones that are spoken to.
func trustHosts(config *ssh.ClientConfig, hostPort string, auth *source.Auth, options Options) error {
	files := options.KnownHosts
	if auth != nil && auth.KnownHosts != "" {
		file, err := os.CreateTemp(options.CacheDir, "known-hosts-*")
		if err != nil {
			return fmt.Errorf("cache directory: %w", err)
		}
		defer func() { _ = os.Remove(file.Name()) }()
		_, err = file.WriteString(auth.KnownHosts)
		if err := errors.Join(err, file.Close()); err != nil {
			return fmt.Errorf("cache directory: %w", err)
		}
		files = []string{file.Name()}
	}
	var existing []string
	for _, file := range files {
		if _, err := os.Stat(file); err == nil {
			existing = append(existing, file)
		}
	}
	if len(existing) == 0 {
		return fmt.Errorf("%w: there is no known_hosts file, so the host's key cannot be checked; give the repository's known hosts", providers.ErrUnreachable)
	}
	known, err := knownhosts.NewDB(existing...)
	if err != nil {
		if auth != nil && auth.KnownHosts != "" {
			return errors.New("the known hosts are not lines of a known_hosts file")
		}
		return fmt.Errorf("known_hosts: %w", err)
	}
	config.HostKeyCallback = known.HostKeyCallback()
	config.HostKeyAlgorithms = known.HostKeyAlgorithms(hostPort)
	return nil
}
