package spawn

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// nagiosBinary returns the nagios4 of this machine, or the one that NAGIOS4 names; "" for none.
func nagiosBinary() string {
	if named := os.Getenv("NAGIOS4"); named != "" {
		return named
	}
	for _, path := range []string{"/usr/sbin/nagios4", "/usr/sbin/nagios"} {
		if _, err := os.Stat(path); err == nil {
			return path
		}
	}
	return ""
}

const nagiosMain = `log_file=DIR/nagios.log
cfg_file=DIR/objects.cfg
object_cache_file=DIR/objects.cache
precached_object_file=DIR/objects.precache
status_file=DIR/status.dat
status_update_interval=60
temp_file=DIR/nagios.tmp
temp_path=DIR
check_result_path=DIR
state_retention_file=DIR/retention.dat
retain_state_information=0
lock_file=DIR/nagios.lock
command_file=DIR/nagios.cmd
query_socket=DIR/nagios.qh
nagios_user=nobody
nagios_group=nogroup
use_syslog=0
log_service_retries=0
log_initial_states=0
interval_length=1
service_inter_check_delay_method=n
host_inter_check_delay_method=n
service_interleave_factor=1
max_concurrent_checks=0
service_check_timeout=30
execute_host_checks=0
enable_notifications=0
enable_environment_macros=0
use_large_installation_tweaks=1
check_for_updates=0
check_service_freshness=0
`

const nagiosObjects = `define timeperiod {
  timeperiod_name always
  alias always
  monday 00:00-24:00
  tuesday 00:00-24:00
  wednesday 00:00-24:00
  thursday 00:00-24:00
  friday 00:00-24:00
  saturday 00:00-24:00
  sunday 00:00-24:00
}
define command {
  command_name nothing
  command_line PLUGIN COUNTER
}
define contact {
  contact_name nobody
  host_notifications_enabled 0
  service_notifications_enabled 0
  host_notification_period always
  service_notification_period always
  host_notification_commands nothing
  service_notification_commands nothing
}
define host {
  host_name here
  contacts nobody
  notification_period always
  address 127.0.0.1
  max_check_attempts 1
  check_period always
  notifications_enabled 0
}
`

// nagios measures how many checks a second nagios4 runs of the same plug-in when more are due than it can
// do, each result in its memory only. Every run of the plug-in adds a byte to a file, which is counted.
func nagios(b *testing.B, binary, plugin string) float64 {
	b.Helper()
	dir := filepath.Join(filepath.Dir(plugin), "nagios")
	if err := os.Mkdir(dir, 0o777); err != nil && !errors.Is(err, os.ErrExist) {
		b.Fatal(err)
	}
	if err := os.Chmod(dir, 0o777); err != nil { // it gives up root
		b.Fatal(err)
	}
	counter := filepath.Join(dir, "runs")
	var objects strings.Builder
	objects.WriteString(strings.NewReplacer("PLUGIN", plugin, "COUNTER", counter).Replace(nagiosObjects))
	for i := range checks {
		fmt.Fprintf(&objects, `define service {
  host_name here
  service_description s%d
  check_command nothing
  check_period always
  max_check_attempts 1
  check_interval 1
  retry_interval 1
  contacts nobody
  notification_period always
  notifications_enabled 0
}
`, i)
	}
	for name, text := range map[string]string{
		"nagios.cfg": strings.ReplaceAll(nagiosMain, "DIR", dir), "objects.cfg": objects.String(), "runs": "",
	} {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(text), 0o666); err != nil {
			b.Fatal(err)
		}
		if err := os.Chmod(path, 0o666); err != nil {
			b.Fatal(err)
		}
	}
	ctx, stop := context.WithCancel(b.Context())
	cmd := exec.CommandContext(ctx, binary, filepath.Join(dir, "nagios.cfg"))
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
	said := new(strings.Builder)
	cmd.Stdout, cmd.Stderr = said, said
	if err := cmd.Start(); err != nil {
		b.Fatal(err)
	}
	defer func() {
		stop()
		_ = cmd.Wait() // killed
	}()
	size := func() int64 {
		st, err := os.Stat(counter)
		if err != nil {
			b.Fatal(err)
		}
		return st.Size()
	}
	// Its start is not counted: the first checks of all have begun.
	begin := time.After(4 * time.Second)
	<-begin
	began, from := time.Now(), size()
	over := time.After(8 * time.Second)
	<-over
	n := size() - from
	if n == 0 {
		all := said.String()
		b.Fatalf("nagios4 ran nothing:\n%s", all[max(0, len(all)-2000):])
	}
	return float64(n) / time.Since(began).Seconds()
}
