package button

// Language is one in which a thing can be written or spoken.
type Language struct {
	Code string // such as en_GB
	Name string // as its speakers call it
}

// Languages are all that old buttons know, by their codes.
var Languages = []Language{
	{"ar_DZ", "العربية"},
	{"be_BY", "Беларуская"},
	{"bg_BG", "Български"},
	{"ca_ES", "Català"},
	{"cs_CZ", "Čeština"},
	{"da_DK", "Dansk"},
	{"de_DE", "Deutsch"},
	{"el_GR", "Ελληνικά"},
	{"en_GB", "English"},
	{"es_ES", "Español"},
	{"et_EE", "Eesti"},
	{"fi_FI", "Suomi"},
	{"fr_FR", "Français"},
	{"ga_IE", "Gaeilge"},
	{"hi_IN", "हिन्दी"},
	{"hr_HR", "Hrvatski"},
	{"hu_HU", "Magyar"},
	{"in_ID", "Bahasa Indonesia"},
	{"is_IS", "Íslenska"},
	{"it_IT", "Italiano"},
	{"iw_IL", "עברית"},
	{"ja_JP", "日本語"},
	{"ko_KR", "한국어"},
	{"lt_LT", "Lietuvių"},
	{"lv_LV", "Latviešu"},
	{"mk_MK", "Македонски"},
	{"ms_MY", "Bahasa Melayu"},
	{"mt_MT", "Malti"},
	{"nl_NL", "Nederlands"},
	{"no_NO", "Norsk"},
	{"pl_PL", "Polski"},
	{"pt_PT", "Português"},
	{"ro_RO", "Română"},
	{"ru_RU", "Русский"},
	{"sk_SK", "Slovenčina"},
	{"sl_SI", "Slovenščina"},
	{"sq_AL", "Shqip"},
	{"sr_RS", "Српски"},
	{"sv_SE", "Svenska"},
	{"th_TH", "ไทย"},
	{"tr_TR", "Türkçe"},
	{"uk_UA", "Українська"},
	{"vi_VN", "Tiếng Việt"},
	{"zh_CN", "中文"},
}
