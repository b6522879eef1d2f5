package builtin

import (
	"cmp"
	"slices"
	"strconv"
)

// Service is a program that takes connections on this machine, as far as it can be named.
type Service struct {
	Key   string // "postgresql:5432", the same as long as it stays on this port
	Kind  string // "postgresql"; the program's name for what is not known
	Name  string // for people: "PostgreSQL 5432"
	Port  int
	Where string // address and owner, as seen
}

// program is how a known service is told: by its owner's name, or by a usual port whose owner may not be seen.
type program struct {
	kind, title string
	owners      []string
	ports       []int
}

// programs are the services that belong into a register of assets.
func programs() []program {
	return []program{
		{"postgresql", "PostgreSQL", []string{"postgres", "postmaster"}, []int{5432}},
		{"mysql", "MySQL/MariaDB", []string{"mysqld", "mariadbd"}, []int{3306}},
		{"redis", "Redis", []string{"redis-server", "valkey-server"}, []int{6379}},
		{"oracle", "Oracle", []string{"tnslsnr"}, []int{1521}},
		{"dameng", "达梦数据库", []string{"dmserver"}, []int{5236}},
		{"kingbase", "人大金仓数据库", []string{"kingbase"}, []int{54321}},
		{"opengauss", "openGauss", []string{"gaussdb"}, nil},
		{"mongodb", "MongoDB", []string{"mongod", "mongos"}, []int{27017}},
		{"elasticsearch", "Elasticsearch", nil, []int{9200}},
		{"rabbitmq", "RabbitMQ", []string{"beam.smp"}, []int{5672}},
		{"nats", "NATS", []string{"nats-server"}, []int{4222}},
		{"mosquitto", "Mosquitto", []string{"mosquitto"}, []int{1883}},
		{"kafka", "Kafka", nil, []int{9092}},
		{"nginx", "nginx", []string{"nginx"}, nil},
		{"apache", "Apache", []string{"httpd", "apache2"}, nil},
		{"weblogic", "WebLogic", nil, []int{7001}},
		{"java", "Java 应用", []string{"java"}, nil},
	}
}

// elsewhere reports a side door of a program that also listens on its usual port, such as the console of
// a broker.
func (p program) elsewhere(l listener, list []listener) bool {
	usual := func(x listener) bool { return slices.Contains(p.ports, x.port()) }
	return !usual(l) && slices.ContainsFunc(list, func(x listener) bool { return x.owner == l.owner && x.path == "" && usual(x) })
}

// Services lists the known services that take connections on this machine: one for each service and port.
func Services() []Service { return services(newHost(Deps{}).listeners()) }

func services(list []listener) []Service {
	var out []Service
	for _, l := range list {
		if l.path != "" {
			continue // the same service has a port, or nobody outside of the machine uses it
		}
		for _, p := range programs() {
			byOwner := slices.Contains(p.owners, l.owner)
			byPort := l.owner == "" && slices.Contains(p.ports, l.port()) || l.owner == "java" && slices.Contains(p.ports, l.port())
			if !byOwner && !byPort || byOwner && p.elsewhere(l, list) {
				continue
			}
			out = append(out, Service{
				Key: p.kind + ":" + strconv.Itoa(l.port()), Kind: p.kind, Name: p.title + " " + strconv.Itoa(l.port()),
				Port: l.port(), Where: l.seen(),
			})
			break
		}
	}
	slices.SortFunc(out, func(a, b Service) int { return cmp.Compare(a.Key, b.Key) })
	return slices.CompactFunc(out, func(a, b Service) bool { return a.Key == b.Key })
}
