package spawn

import (
	"fmt"
	"os"
	"os/user"
	"strconv"
)

// UserName is the account that programs run as when the server is root and the account exists.
const UserName = "taxops-check"

// Identity is who programs run as.
type Identity struct {
	UID, GID int
	Name     string
	Changed  bool // they run as somebody else than the server
	Own      bool // they run as an account made for that: UserName
}

// WhoRuns finds out as whom programs run: root hands them to UserName, or else to nobody; a server that
// is not root has only itself.
func WhoRuns() Identity {
	if os.Geteuid() != 0 {
		id := Identity{UID: os.Geteuid(), GID: os.Getegid(), Name: strconv.Itoa(os.Geteuid())}
		if u, err := user.Current(); err == nil {
			id.Name = u.Username
		}
		return id
	}
	for _, name := range []string{UserName, "nobody"} {
		u, err := user.Lookup(name)
		if err != nil {
			continue
		}
		uid, uerr := strconv.Atoi(u.Uid)
		gid, gerr := strconv.Atoi(u.Gid)
		if uerr == nil && gerr == nil && uid != 0 {
			return Identity{UID: uid, GID: gid, Name: name, Changed: true, Own: name == UserName}
		}
	}
	const overflow = 65534 // what the kernel calls somebody it does not know
	return Identity{UID: overflow, GID: overflow, Name: strconv.Itoa(overflow), Changed: true}
}

// workplace makes the folder below which seats have theirs. Others may pass through it and see nothing.
func workplace(id Identity) (string, error) {
	base := os.TempDir()
	if id.Changed {
		if st, err := os.Stat("/run"); err == nil && st.IsDir() {
			base = "/run" // in memory, and nobody but root makes anything there
		}
	}
	dir, err := os.MkdirTemp(base, "taxops-check-")
	if err != nil && base != os.TempDir() {
		dir, err = os.MkdirTemp("", "taxops-check-")
	}
	if err != nil {
		return "", fmt.Errorf("folder for programs: %w", err)
	}
	if err := os.Chmod(dir, 0o711); err != nil {
		return "", fmt.Errorf("folder for programs: %w", err)
	}
	return dir, nil
}
