package rest

import "net/http"

const patternRateLimit = "/rate_limit"

// hello is what clients ask for to know whether the interface can be reached.
type hello struct {
	Message string `json:"message" doc:"always hello_world"`
}

var listRoutes = []route{
	{
		Method: http.MethodGet, Pattern: "/", Root: "hello",
		Summary: "Says that the interface can be reached.",
		Answers: []outcome{{http.StatusOK, hello{}, "It can."}},
		handle:  func(*call) (any, error) { return hello{"hello_world"}, nil },
	},
	{
		Method: http.MethodGet, Pattern: patternRateLimit, Root: "rate_limit",
		Summary: "How many requests are left of this hour. Asking does not count.",
		Answers: []outcome{{http.StatusOK, rate{}, "What is left to this token, or to this address without one."}},
		handle:  func(c *call) (any, error) { return c.rate, nil },
	},
	{
		Method: http.MethodGet, Pattern: "/categories", Root: "categories",
		Summary: "The categories that a thing can be in.",
		Answers: []outcome{{http.StatusOK, []listed{}, "All of them."}},
		handle:  func(*call) (any, error) { return categories, nil },
	},
	{
		Method: http.MethodGet, Pattern: "/languages", Root: "languages",
		Summary: "The languages that a thing can be in.",
		Answers: []outcome{{http.StatusOK, []listed{}, "All of them."}},
		handle:  func(*call) (any, error) { return languages, nil },
	},
}

// categories are where a thing can be filed.
var categories = []listed{
	{"text", "Written text"},
	{"images", "Images"},
	{"video", "Video"},
	{"audio", "Audio"},
	{"software", "Software"},
	{"people", "People"},
	{"rest", "The rest"},
}

// languages are what a thing can be written or spoken in.
var languages = []listed{
	{"sq_AL", "Albanian"},
	{"ar_DZ", "Arabic"},
	{"be_BY", "Belarusian"},
	{"bg_BG", "Bulgarian"},
	{"ca_ES", "Catalan"},
	{"zh_CN", "Chinese"},
	{"hr_HR", "Croatian"},
	{"cs_CZ", "Czech"},
	{"da_DK", "Danish"},
	{"nl_NL", "Dutch"},
	{"en_GB", "English"},
	{"et_EE", "Estonian"},
	{"fi_FI", "Finnish"},
	{"fr_FR", "French"},
	{"de_DE", "German"},
	{"el_GR", "Greek"},
	{"iw_IL", "Hebrew"},
	{"hi_IN", "Hindi"},
	{"hu_HU", "Hungarian"},
	{"is_IS", "Icelandic"},
	{"in_ID", "Indonesian"},
	{"ga_IE", "Irish"},
	{"it_IT", "Italian"},
	{"ja_JP", "Japanese"},
	{"ko_KR", "Korean"},
	{"lv_LV", "Latvian"},
	{"lt_LT", "Lithuanian"},
	{"mk_MK", "Macedonian"},
	{"ms_MY", "Malay"},
	{"mt_MT", "Maltese"},
	{"no_NO", "Norwegian"},
	{"pl_PL", "Polish"},
	{"pt_PT", "Portuguese"},
	{"ro_RO", "Romanian"},
	{"ru_RU", "Russian"},
	{"sr_RS", "Serbian"},
	{"sk_SK", "Slovak"},
	{"sl_SI", "Slovenian"},
	{"es_ES", "Spanish"},
	{"sv_SE", "Swedish"},
	{"th_TH", "Thai"},
	{"tr_TR", "Turkish"},
	{"uk_UA", "Ukrainian"},
	{"vi_VN", "Vietnamese"},
}
