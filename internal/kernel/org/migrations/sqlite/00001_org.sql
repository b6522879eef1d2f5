-- +goose Up
-- Codes are those of GB/T 2260; a path is the chain of codes without their trailing zeros.
CREATE TABLE org_area (
  path        TEXT PRIMARY KEY,
  code        TEXT NOT NULL UNIQUE,
  name_zh     TEXT NOT NULL,
  name_en     TEXT NOT NULL,
  parent_path TEXT NOT NULL,
  level       INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE org_system (
  id        TEXT PRIMARY KEY,
  key       TEXT NOT NULL UNIQUE,
  name_zh   TEXT NOT NULL,
  name_en   TEXT NOT NULL,
  area_path TEXT NOT NULL REFERENCES org_area (path)
) STRICT, WITHOUT ROWID;

INSERT INTO org_area (path, code, name_zh, name_en, parent_path, level) VALUES
  ('/45/', '450000', '广西壮族自治区税务局', 'Guangxi Zhuang Autonomous Region Tax Service', '', 1),
  ('/45/4501/', '450100', '南宁市税务局', 'Nanning Municipal Tax Service', '/45/', 2),
  ('/45/4502/', '450200', '柳州市税务局', 'Liuzhou Municipal Tax Service', '/45/', 2),
  ('/45/4503/', '450300', '桂林市税务局', 'Guilin Municipal Tax Service', '/45/', 2),
  ('/45/4504/', '450400', '梧州市税务局', 'Wuzhou Municipal Tax Service', '/45/', 2),
  ('/45/4505/', '450500', '北海市税务局', 'Beihai Municipal Tax Service', '/45/', 2),
  ('/45/4506/', '450600', '防城港市税务局', 'Fangchenggang Municipal Tax Service', '/45/', 2),
  ('/45/4507/', '450700', '钦州市税务局', 'Qinzhou Municipal Tax Service', '/45/', 2),
  ('/45/4508/', '450800', '贵港市税务局', 'Guigang Municipal Tax Service', '/45/', 2),
  ('/45/4509/', '450900', '玉林市税务局', 'Yulin Municipal Tax Service', '/45/', 2),
  ('/45/4510/', '451000', '百色市税务局', 'Baise Municipal Tax Service', '/45/', 2),
  ('/45/4511/', '451100', '贺州市税务局', 'Hezhou Municipal Tax Service', '/45/', 2),
  ('/45/4512/', '451200', '河池市税务局', 'Hechi Municipal Tax Service', '/45/', 2),
  ('/45/4513/', '451300', '来宾市税务局', 'Laibin Municipal Tax Service', '/45/', 2),
  ('/45/4514/', '451400', '崇左市税务局', 'Chongzuo Municipal Tax Service', '/45/', 2);

INSERT INTO org_system (id, key, name_zh, name_en, area_path) VALUES
  ('01900000-0000-7000-8000-000000000001', 'identity', '办税人员身份认证平台', 'Tax-handler identity platform', '/45/'),
  ('01900000-0000-7000-8000-000000000002', 'delivery', '发票寄递平台', 'Invoice delivery platform', '/45/'),
  ('01900000-0000-7000-8000-000000000003', 'seal', '电子签章系统', 'Electronic-seal system', '/45/'),
  ('01900000-0000-7000-8000-000000000004', 'platform', '运维平台', 'Operations platform', '/45/');
