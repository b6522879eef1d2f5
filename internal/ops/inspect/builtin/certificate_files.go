package builtin

import (
	"fmt"
	"path/filepath"
	"regexp"
	"strings"

	"taxops/internal/kernel/probe"
)

// certificateConfigs are settings of servers that name the files of their certificates.
var certificateConfigs = []string{
	"etc/nginx/nginx.conf", "etc/nginx/conf.d/*.conf", "etc/nginx/sites-enabled/*", "usr/local/nginx/conf/*.conf", "usr/local/nginx/conf/conf.d/*.conf", "opt/nginx/conf/*.conf",
	"etc/apache2/sites-enabled/*", "etc/httpd/conf/httpd.conf", "etc/httpd/conf.d/*.conf",
	"etc/postgresql/*/*/postgresql.conf", "var/lib/pgsql/data/postgresql.conf", "var/lib/pgsql/*/data/postgresql.conf",
	"etc/my.cnf", "etc/my.cnf.d/*.cnf", "etc/mysql/*.cnf", "etc/mysql/*/*.cnf", "etc/redis/redis.conf", "etc/mosquitto/conf.d/*.conf",
}

// certificateSetting is a line that names a certificate: of nginx, Apache, PostgreSQL, MySQL, Redis and Mosquitto.
var certificateSetting = regexp.MustCompile(`(?m)^[ \t]*(?:ssl_certificate|SSLCertificateFile|ssl_cert_file|ssl[-_]cert|tls-cert-file|certfile)[ \t]*[= \t][ \t]*['"]?([^'";\s#]+)`)

// certificateFiles proposes the certificates that servers of this host are set to use and that can be read.
func (h host) certificateFiles() []probe.Found {
	var out []probe.Found
	seen := map[string]bool{}
	for _, pattern := range certificateConfigs {
		names, _ := filepath.Glob(h.at(pattern)) // the patterns are valid
		for _, config := range names {
			b, err := readFile(config)
			if err != nil {
				continue
			}
			for _, m := range certificateSetting.FindAllStringSubmatch(string(b), -1) {
				file := m[1]
				if !filepath.IsAbs(file) {
					file = filepath.Join(filepath.Dir(config), file)
				} else if h.Root != "/" {
					file = h.at(file)
				}
				if seen[file] || strings.ContainsAny(file, "$*") {
					continue
				}
				seen[file] = true
				pem, err := readFile(file)
				if err != nil {
					continue // of an account that this one is not, or not there
				}
				if _, err := parsePEM(pem); err != nil {
					continue
				}
				// Only the days left: what the file's clients trust is not known here.
				out = append(out, probe.Found{
					Params: map[string]any{"file": file, "verify": false},
					Why:    fmt.Sprintf("%s 使用证书文件 %s", config, file),
				})
			}
		}
	}
	return out[:min(len(out), 20)]
}
