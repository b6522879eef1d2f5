package app

import (
	"fmt"
	"io"
	"log/slog"
	"os"
	"strings"

	"taxops/internal/kernel/clock"
	"taxops/internal/kernel/config"
	"taxops/internal/kernel/telemetry"
)

// LoadConfig reads the settings: default, file, environment, command line, the last wins. The file is
// the one named, or else that of the data directory or the host, if there is one.
func LoadConfig(file string, flags map[string]string) (*config.Config, error) {
	if file == "" {
		dir := flags["data.dir"]
		if dir == "" {
			dir = os.Getenv("TAXOPS_DATA_DIR")
		}
		if dir == "" {
			dir = "./data"
		}
		file = config.DefaultFile(dir)
	}
	c, err := config.Load(ConfigKeys(), file, os.Environ(), flags)
	if err != nil {
		return nil, fmt.Errorf("configuration: %w", err)
	}
	return c, nil
}

// NewOptions turns settings into what the program is opened with; it logs to logs.
func NewOptions(c *config.Config, logs io.Writer, version string) (Options, error) {
	var level slog.Level
	if err := level.UnmarshalText([]byte(strings.ToUpper(c.Text("log.level")))); err != nil {
		return Options{}, fmt.Errorf("log.level: %w", err)
	}
	log := telemetry.NewLogger(logs, telemetry.LogOptions{JSON: c.Text("log.format") == "json", Level: level})
	return Options{Config: c, Log: log, Clock: clock.System{}, Version: version}, nil
}
