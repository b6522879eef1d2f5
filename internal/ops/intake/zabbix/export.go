package zabbix

import (
	"bytes"
	"encoding/json"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"
)

// MaxSize is the largest export that is read, in bytes.
const MaxSize = 64 << 20

// maxDepth is how deep an export may be nested; real ones stay below 15.
const maxDepth = 40

// Errors of [Parse].
var (
	// ErrTooLarge: the file is larger than [MaxSize].
	ErrTooLarge = errors.New("the export is larger than 64 MiB")
	// ErrNotExport: the file is no export of a Zabbix server in any of the three forms.
	ErrNotExport = errors.New("not a Zabbix export: no zabbix_export at its root")
)

// Format is the form in which an export was written.
type Format string

// The three forms, and what the API said.
const (
	XML  Format = "xml"
	JSON Format = "json"
	YAML Format = "yaml"
	API  Format = "api"
)

// Export is what one file says.
type Export struct {
	Format  Format
	Version string // of the export, "6.0"
	Hosts   []Host
	// Templates that the hosts name and the file does not contain: their triggers are not known.
	MissingTemplates []string
	Maintenances     []Maintenance // as the API says; exports do not hold them
}

// Maintenance is a time in which hosts are not judged (维护期).
type Maintenance struct {
	Name          string
	From, To      time.Time // first and last moment in which it may be active
	Hosts, Groups []string
}

// Host is one monitored host (主机).
type Host struct {
	Technical string // its unique name, which expressions use
	Name      string // its visible name
	Enabled   bool
	Groups    []string
	Templates []string // all it is linked to, also through templates, nearest first
	Addresses []Interface
	Inventory map[string]string // only what is filled in
	Tags      map[string]string
	Items     int       // watched values, with those of its templates
	Triggers  []Trigger // its own and those of its templates, macros filled in
}

// Interface is one way to a host.
type Interface struct {
	Kind    string // agent, snmp, ipmi, jmx
	Address string // IP or name, as the host is reached
	Port    string
	Main    bool
}

// Trigger is one alarm rule (触发器) of a host.
type Trigger struct {
	Name       string
	Expression string // as exported
	Resolved   string // with macros filled in
	Priority   Priority
	Enabled    bool
	Prototype  bool   // made for each thing that discovery finds
	From       string // the template it comes from, "" for the host's own
}

// Priority is the severity of a trigger, from 0 (not classified) to 5 (disaster).
type Priority int

// The priorities of Zabbix.
const (
	NotClassified Priority = iota
	Information
	Warning
	Average
	High
	Disaster
)

func (p Priority) String() string {
	return [...]string{"not classified", "information", "warning", "average", "high", "disaster"}[p]
}

// text is a value that XML has as text, JSON and YAML also as a number or a truth.
type text string

// UnmarshalJSON implements json.Unmarshaler.
func (t *text) UnmarshalJSON(b []byte) error {
	if len(b) > 0 && b[0] == '"' {
		return json.Unmarshal(b, (*string)(t))
	}
	switch s := string(b); {
	case s == "null" || len(b) > 0 && (b[0] == '[' || b[0] == '{'):
		*t = "" // PHP writes an empty list where there is nothing
	default:
		*t = text(s)
	}
	return nil
}

// list is a list of things, for which PHP may also write an object by number, or an empty text.
type list[T any] []T

// UnmarshalJSON implements json.Unmarshaler.
func (l *list[T]) UnmarshalJSON(b []byte) error {
	b = bytes.TrimSpace(b)
	switch {
	case len(b) > 0 && b[0] == '[':
		return json.Unmarshal(b, (*[]T)(l))
	case len(b) > 0 && b[0] == '{':
		var by map[string]T
		if err := json.Unmarshal(b, &by); err != nil {
			return err
		}
		keys := make([]string, 0, len(by))
		for k := range by {
			keys = append(keys, k)
		}
		slices.Sort(keys)
		for _, k := range keys {
			*l = append(*l, by[k])
		}
	}
	return nil
}

// table is a set of named values.
type table map[string]string

// UnmarshalJSON implements json.Unmarshaler.
func (t *table) UnmarshalJSON(b []byte) error {
	var by map[string]text
	if b = bytes.TrimSpace(b); len(b) == 0 || b[0] != '{' {
		return nil
	}
	if err := json.Unmarshal(b, &by); err != nil {
		return err
	}
	*t = table{}
	for k, v := range by {
		if v != "" {
			(*t)[k] = string(v)
		}
	}
	return nil
}

// UnmarshalXML implements xml.Unmarshaler.
func (t *table) UnmarshalXML(d *xml.Decoder, _ xml.StartElement) error {
	var fields struct {
		All []struct {
			XMLName xml.Name
			Text    string `xml:",chardata"`
		} `xml:",any"`
	}
	start := xml.StartElement{Name: xml.Name{Local: "inventory"}}
	if err := d.DecodeElement(&fields, &start); err != nil {
		return err
	}
	*t = table{}
	for _, f := range fields.All {
		if v := strings.TrimSpace(f.Text); v != "" {
			(*t)[f.XMLName.Local] = v
		}
	}
	return nil
}

type rawNamed struct {
	Name text `xml:"name" json:"name"`
}

type rawPair struct {
	Macro text `xml:"macro" json:"macro"`
	Tag   text `xml:"tag" json:"tag"`
	Value text `xml:"value" json:"value"`
}

type rawInterface struct {
	Default text `xml:"default" json:"default"`
	Type    text `xml:"type" json:"type"`
	UseIP   text `xml:"useip" json:"useip"`
	IP      text `xml:"ip" json:"ip"`
	DNS     text `xml:"dns" json:"dns"`
	Port    text `xml:"port" json:"port"`
}

type rawTrigger struct {
	Expression  text `xml:"expression" json:"expression"`
	Name        text `xml:"name" json:"name"`
	Description text `xml:"description" json:"description"`
	Priority    text `xml:"priority" json:"priority"`
	Status      text `xml:"status" json:"status"`
}

type rawItem struct {
	Key        text             `xml:"key" json:"key"`
	Triggers   list[rawTrigger] `xml:"triggers>trigger" json:"triggers"`
	Prototypes list[rawTrigger] `xml:"trigger_prototypes>trigger_prototype" json:"trigger_prototypes"`
}

type rawDiscovery struct {
	Items      list[rawItem]    `xml:"item_prototypes>item_prototype" json:"item_prototypes"`
	Prototypes list[rawTrigger] `xml:"trigger_prototypes>trigger_prototype" json:"trigger_prototypes"`
}

// rawHost is a host or a template: they are written alike.
type rawHost struct {
	Host       text               `xml:"host" json:"host"`
	Template   text               `xml:"template" json:"template"`
	Name       text               `xml:"name" json:"name"`
	Status     text               `xml:"status" json:"status"`
	Groups     list[rawNamed]     `xml:"groups>group" json:"groups"`
	Templates  list[rawNamed]     `xml:"templates>template" json:"templates"`
	Interfaces list[rawInterface] `xml:"interfaces>interface" json:"interfaces"`
	Items      list[rawItem]      `xml:"items>item" json:"items"`
	Discovery  list[rawDiscovery] `xml:"discovery_rules>discovery_rule" json:"discovery_rules"`
	Macros     list[rawPair]      `xml:"macros>macro" json:"macros"`
	Tags       list[rawPair]      `xml:"tags>tag" json:"tags"`
	Inventory  table              `xml:"inventory" json:"inventory"`
}

func (h rawHost) technical() string {
	if h.Template != "" {
		return string(h.Template)
	}
	return string(h.Host)
}

type rawExport struct {
	XMLName    xml.Name         `xml:"zabbix_export" json:"-"`
	Version    text             `xml:"version" json:"version"`
	Hosts      list[rawHost]    `xml:"hosts>host" json:"hosts"`
	Templates  list[rawHost]    `xml:"templates>template" json:"templates"`
	Triggers   list[rawTrigger] `xml:"triggers>trigger" json:"triggers"`
	Prototypes list[rawTrigger] `xml:"trigger_prototypes>trigger_prototype" json:"trigger_prototypes"`
}

// Parse reads an export in whichever of the three forms it is.
func Parse(r io.Reader) (*Export, error) {
	b, err := io.ReadAll(io.LimitReader(r, MaxSize+1))
	if err != nil {
		return nil, fmt.Errorf("read the export: %w", err)
	}
	if len(b) > MaxSize {
		return nil, ErrTooLarge
	}
	b = bytes.TrimSpace(bytes.TrimPrefix(b, []byte("\xef\xbb\xbf")))
	var raw *rawExport
	var form Format
	switch {
	case len(b) == 0:
		return nil, ErrNotExport
	case b[0] == '<':
		form = XML
		raw, err = readXML(b)
	case b[0] == '{':
		form = JSON
		raw, err = readJSON(b)
	default:
		form = YAML
		raw, err = readYAML(b)
	}
	if err != nil {
		return nil, err
	}
	if raw.Version == "" && len(raw.Hosts) == 0 {
		return nil, ErrNotExport
	}
	e := assemble(raw)
	e.Format = form
	return e, nil
}

func readXML(b []byte) (*rawExport, error) {
	depth := 0
	for d := xml.NewDecoder(bytes.NewReader(b)); ; {
		t, err := d.RawToken()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, fmt.Errorf("the export is broken XML: %w", err)
		}
		switch t.(type) {
		case xml.StartElement:
			if depth++; depth > maxDepth {
				return nil, fmt.Errorf("the export is nested deeper than %d", maxDepth)
			}
		case xml.EndElement:
			depth--
		}
	}
	raw := new(rawExport)
	if err := xml.Unmarshal(b, raw); err != nil {
		var wrong xml.UnmarshalError
		if errors.As(err, &wrong) || strings.Contains(err.Error(), "expected element type") {
			return nil, ErrNotExport
		}
		return nil, fmt.Errorf("the export is broken XML: %w", err)
	}
	return raw, nil
}

func readJSON(b []byte) (*rawExport, error) {
	if err := shallow(b); err != nil {
		return nil, err
	}
	var root struct {
		Export *rawExport `json:"zabbix_export"`
	}
	if err := json.Unmarshal(b, &root); err != nil {
		return nil, fmt.Errorf("the export is broken JSON: %w", err)
	}
	if root.Export == nil {
		return nil, ErrNotExport
	}
	return root.Export, nil
}

// shallow refuses JSON that is nested too deep, before it is decoded into recursive types.
func shallow(b []byte) error {
	d := json.NewDecoder(bytes.NewReader(b))
	depth := 0
	for {
		t, err := d.Token()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return fmt.Errorf("the export is broken JSON: %w", err)
		}
		switch t {
		case json.Delim('{'), json.Delim('['):
			if depth++; depth > maxDepth {
				return fmt.Errorf("the export is nested deeper than %d", maxDepth)
			}
		case json.Delim('}'), json.Delim(']'):
			depth--
		}
	}
}

func readYAML(b []byte) (*rawExport, error) {
	var root any
	if err := yaml.Unmarshal(b, &root); err != nil {
		return nil, fmt.Errorf("the export is neither XML nor JSON, and broken YAML: %w", err)
	}
	if m, ok := root.(map[string]any); !ok || m["zabbix_export"] == nil {
		return nil, ErrNotExport
	}
	plain, err := json.Marshal(root)
	if err != nil {
		return nil, fmt.Errorf("the export has YAML that is no plain data: %w", err)
	}
	if len(plain) > 2*MaxSize {
		return nil, ErrTooLarge // aliases make little into much
	}
	return readJSON(plain)
}

// enabled reads a status: "0", "ENABLED" and nothing mean on.
func enabled(status text) bool { return status == "" || status == "0" || status == "ENABLED" }

func priority(t text) Priority {
	words := []string{"NOT_CLASSIFIED", "INFO", "WARNING", "AVERAGE", "HIGH", "DISASTER"}
	if i := slices.Index(words, string(t)); i >= 0 {
		return Priority(i)
	}
	if n, err := strconv.Atoi(string(t)); err == nil && n >= 0 && n <= 5 {
		return Priority(n)
	}
	return NotClassified
}

func names(l list[rawNamed]) []string {
	var out []string
	for _, n := range l {
		if n.Name != "" {
			out = append(out, string(n.Name))
		}
	}
	return out
}
